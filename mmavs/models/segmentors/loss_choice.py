"""Which of a model's loss terms are trained on."""

from typing import Dict, Optional, Sequence

from torch import Tensor


def choose_losses(
    losses: Dict[str, Tensor], wanted: Optional[Sequence[str]]
) -> Dict[str, Tensor]:
    """Keep some loss terms, for ablations by one field.

    Args:
        losses (dict[str, Tensor]): All terms by name, e.g.
            ``decode.loss_dice``.
        wanted (Sequence[str], optional): Names to keep; None for all.

    Returns:
        dict[str, Tensor]: The terms kept.

    Raises:
        ValueError: A wanted term does not exist.
    """
    if wanted is None:
        return losses
    unknown = [name for name in wanted if name not in losses]
    if unknown:
        raise ValueError(
            f'model.train_cfg.losses names {unknown}, but the model has '
            f'{sorted(losses)}'
        )
    return {name: losses[name] for name in wanted}

"""The categories a model was trained with, kept in its checkpoints."""

from typing import Dict, Sequence, Tuple

import torch
from torch import Tensor, nn

_KEY = 'names'


class CategoryNames(nn.Module):
    """Names of categories as a buffer, compared whenever weights are loaded.

    A classifier's rows mean nothing without their names: a checkpoint of
    other categories, or of the same in another order, would load half-way or,
    worse, whole.

    Args:
        categories (Sequence[str]): K names, at least two.

    Raises:
        ValueError: Fewer than two, or one twice.
    """

    def __init__(self, categories: Sequence[str]) -> None:
        super().__init__()
        self.categories = check_categories(categories)
        encoded = '\n'.join(self.categories).encode()
        self.register_buffer(_KEY, torch.tensor(list(encoded)).to(torch.uint8))

    def check_checkpoint(
        self, state_dict: Dict[str, Tensor], prefix: str
    ) -> None:
        """Compare with the names in a checkpoint, if it has any.

        Args:
            state_dict (dict): Weights of a whole model.
            prefix (str): Of this module in it, with the dot.

        Raises:
            ValueError: Other categories, or another order.
        """
        stored = state_dict.get(prefix + _KEY)
        if stored is None:  # COCO weights, say: the classifier starts anew
            return
        known = tuple(bytes(stored.cpu().tolist()).decode().split('\n'))
        if known == self.categories:
            return
        new = [name for name in self.categories if name not in known]
        absent = [name for name in known if name not in self.categories]
        what = (
            (new and f'{new} are new to it')
            or (absent and f'{absent} are not named')
            or 'the order differs'
        )
        raise ValueError(
            f'the checkpoint knows {len(known)} categories, the config names '
            f'{len(self.categories)}; {what}. Fix: set '
            f'decode_head.categories to those of the checkpoint, {list(known)}'
            ', or train stage 1 anew with the config.'
        )

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        self.check_checkpoint(state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)


def check_categories(categories: Sequence[str]) -> Tuple[str, ...]:
    """Refuse categories among which sound cannot choose.

    Returns:
        tuple[str, ...]: The same.

    Raises:
        ValueError: Fewer than two, with the reason, or one twice.
    """
    if len(categories) < 2:
        raise ValueError(
            f'categories={list(categories)} cannot work: the sound chooses '
            'among categories, and a simplex of one class gives it '
            'probability 1 whatever is heard, so sound would decide nothing. '
            'Fix: name at least two categories; for MS3, which has none on '
            'disk, tools/dataset_converters/ms3_categories.py finds them.'
        )
    if len(set(categories)) < len(categories):
        raise ValueError(f'categories={list(categories)} names one twice')
    return tuple(categories)

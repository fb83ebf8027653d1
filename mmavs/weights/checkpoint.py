"""Does a checkpoint belong to this model?"""

import logging
from pathlib import Path
from typing import Dict, List

from mmengine.logging import print_log
from torch import Tensor, nn

from mmavs.compat import load_checkpoint
from mmavs.weights.work_dir import numbered_checkpoints

# fewer fitting tensors than this share and the file is of another model
MIN_SHARE = 0.5


def state_dict_of(checkpoint: dict) -> Dict[str, Tensor]:
    """Take the weights out of a checkpoint, without DDP's ``module.``."""
    weights = checkpoint.get('state_dict', checkpoint)
    return {
        key[7:] if key.startswith('module.') else key: value
        for key, value in weights.items()
    }


def load_model_weights(model: nn.Module, path: str) -> dict:
    """Load a checkpoint whole, for testing and inference.

    Tensors that the model has no place for are left out and announced: a part
    may be switched off for a test.

    Args:
        model (nn.Module): A built model.
        path (str): Checkpoint file, read without running code from it.

    Returns:
        dict: The checkpoint's ``meta`` (empty if it has none).

    Raises:
        FileNotFoundError: There is no such file.
        RuntimeError: It cannot be read safely, or a tensor of the model is
            missing from it or has another shape.
        ValueError: A module's own ``check_checkpoint`` refuses it.
    """
    checkpoint = load_checkpoint(path)
    fill_model(model, state_dict_of(checkpoint), path)
    meta = checkpoint.get('meta', {})
    return meta if isinstance(meta, dict) else {}


def fill_model(
    model: nn.Module, weights: Dict[str, Tensor], source: str
) -> None:
    """Load weights whole; see :func:`load_model_weights`.

    Raises:
        RuntimeError: A tensor of the model is missing or has another shape.
        ValueError: A module's own ``check_checkpoint`` refuses them.
    """
    check_parts(model, weights)
    own = model.state_dict()
    unfit = _unfit(own, weights)
    if unfit:
        raise RuntimeError(_misfit_message(source, own, weights, unfit))
    _announce_unused(source, [key for key in weights if key not in own])
    model.load_state_dict({k: v for k, v in weights.items() if k in own})


def check_parts(model: nn.Module, weights: Dict[str, Tensor]) -> None:
    """Ask modules that can say more about a misfit than shapes do.

    Raises:
        ValueError: A module's own ``check_checkpoint`` refuses the weights.
    """
    for name, module in model.named_modules():
        if hasattr(module, 'check_checkpoint'):
            module.check_checkpoint(weights, f'{name}.' if name else '')


def check_resumable(model: nn.Module, path: str) -> None:
    """Say before a run goes on why a checkpoint cannot be gone on from.

    Args:
        model (nn.Module): The run's model.
        path (str): Checkpoint file.

    Raises:
        FileNotFoundError: There is no such file.
        RuntimeError: It cannot be read safely (names the last one that can),
            holds weights alone, or a tensor of the model is missing from it
            or has another shape.
    """
    try:
        checkpoint = load_checkpoint(path)
    except RuntimeError as error:
        raise RuntimeError(_advise(Path(path), str(error))) from error
    parts = ('meta', 'message_hub', 'optimizer')
    lacking = [
        part for part in parts if not isinstance(checkpoint.get(part), dict)
    ]
    if not lacking:
        counts = ('epoch', 'iter')
        meta = checkpoint['meta']
        lacking = [n for n in counts if not isinstance(meta.get(n), int)]
    if lacking:
        raise RuntimeError(
            f'{path} holds no {", ".join(lacking)}: a run cannot go on from '
            'it. Fix: give a checkpoint as tools/train.py writes it, or '
            f'start from its weights with --cfg-options load_from={path}'
        )
    own, weights = model.state_dict(), state_dict_of(checkpoint)
    unfit = _unfit(own, weights)
    if unfit:
        raise RuntimeError(_misfit_message(path, own, weights, unfit))


def refuse_other_models(
    module: nn.Module, state_dict: dict, prefix: str, *_
) -> None:
    """Pre-hook for ``load_state_dict``: refuse what cannot be this model.

    A fine-tuning start may lack parts (another head, a new neck), so only a
    file of which less than half fits is refused here.

    Raises:
        RuntimeError: Naming the first tensors that do not fit.
    """
    own = module.state_dict()
    weights = {
        k[len(prefix) :]: v
        for k, v in state_dict.items()
        if k.startswith(prefix)
    }
    unfit = _unfit(own, weights)
    if len(unfit) > (1 - MIN_SHARE) * len(own):
        raise RuntimeError(
            _misfit_message('the checkpoint', own, weights, unfit)
        )


def _unfit(own: Dict[str, Tensor], weights: Dict[str, Tensor]) -> List[str]:
    """Names of tensors that the weights lack or shape otherwise."""
    return [
        key
        for key, value in own.items()
        if getattr(weights.get(key), 'shape', None) != value.shape
    ]


def _announce_unused(path: str, unused: List[str]) -> None:
    if unused:
        parts = dict.fromkeys('.'.join(k.split('.')[:2]) for k in unused)
        print_log(
            f'{path}: {len(unused)} tensors have no place in this model and '
            f'are left out, those of {", ".join(parts)}',
            logger='current',
            level=logging.WARNING,
        )


def _advise(broken: Path, message: str) -> str:
    """Say where a run goes on whose checkpoint is broken."""
    fix = (
        f'no other in {broken.parent} can be read: remove {broken.name} and '
        'last_checkpoint there, and the run starts anew'
    )
    for path in numbered_checkpoints(broken.parent):
        try:
            load_checkpoint(path)
        except RuntimeError:
            continue
        fix = f'go on from the last one that can be read, --resume {path}'
        break
    return f'{message.partition(" Fix: ")[0]} Fix: {fix}'


def _misfit_message(
    path: str, own: dict, weights: dict, unfit: List[str]
) -> str:
    lines = []
    for key in unfit[:5]:
        found = getattr(weights.get(key), 'shape', None)
        found = 'missing' if found is None else f'has {tuple(found)}'
        lines.append(f'  {key} {tuple(own[key].shape)}: {found}')
    return (
        f'{path} is of another model: {len(unfit)} of {len(own)} tensors '
        'do not fit, among them\n'
        + '\n'.join(lines)
        + '\nFix: give the config that the checkpoint was trained with; '
        'released checkpoints of other code bases go through '
        'tools/model_converters/convert_released.py first.'
    )

"""How much of a model's final feature comes from sound, how much from sight.

"Bootstrapping Audio-Visual Segmentation by Strengthening Audio Cues" (AVSAC,
https://arxiv.org/abs/2402.02327, Figure 1) compares "the proportion of audio
and visual feature components included in the final feature" and does not say
how the proportion is taken. Components cannot be told apart inside a fused
feature F(v, a), but their effects can, so the shares here are those of a
variance decomposition::

    effect of sound   S = 1/2 E |F(v, a) - F(v, a')|^2
    effect of sight   V = 1/2 E |F(v, a) - F(v', a)|^2
    share of sound      = S / (S + V)

with (v, a) a clip's frames and sound, and v', a' those of another clip. S and
V are the total-effect variances of Sobol's decomposition in Jansen's
estimator (Saltelli et al., https://doi.org/10.1016/j.cpc.2009.09.018). Why
this measure:

* it needs no access to the inside, so any two models can be compared;
* both modalities are treated alike, and both are always real: a muted or
  blackened input is one that the model never met;
* a constant in the feature, its scale and any rotation of it change nothing;
* a model that does not hear has a share of exactly 0, one that does not see
  of exactly 1, and adding independent features adds their effects.

The final feature is what the last layer (``conv_seg`` in every head of mmseg
and mmavs) reads: all that can still reach the mask.
"""

from contextlib import contextmanager
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

LAST_LAYER = 'conv_seg'


class ModalityShare(NamedTuple):
    """Result for one model.

    Attributes:
        sound (float): Share of sound in [0, 1]; 1 - sound is that of sight.
        low (float): Lower end of the 95 % interval over clips.
        high (float): Its upper end.
        num_clips (int): Clips compared with a partner.
    """

    sound: float
    low: float
    high: float
    num_clips: int


def measure_share(
    model: nn.Module,
    dataset: Sequence[dict],
    num_clips: Optional[int] = None,
    layer: Optional[str] = None,
    seed: int = 0,
) -> ModalityShare:
    """Measure the share of sound in a model's final feature.

    Args:
        model (AVSegmentor): In evaluation mode, on its device.
        dataset (Sequence[dict]): Packed clips.
        num_clips (int, optional): Only the first so many; None for all.
        layer (str, optional): Name of the module whose input is the final
            feature; None for the last one called ``conv_seg``.
        seed (int): Of the partners and of the interval.

    Returns:
        ModalityShare: With an interval by bootstrap over clips.

    Raises:
        ValueError: Fewer than two clips; no such layer; nothing moves the
            feature.
    """
    count = min(num_clips or len(dataset), len(dataset))
    if count < 2:
        raise ValueError(
            f'{count} clip has no partner to swap with; give at least two'
        )
    order = np.random.RandomState(seed).permutation(count)
    effects = []
    with final_feature(model, layer) as features:
        for i, j in zip(order, np.roll(order, 1)):
            pair = [dataset[int(i)], dataset[int(j)]]
            effects.append(_effects(model, pair, features))
    return _share(np.array(effects), seed)


@contextmanager
def final_feature(
    model: nn.Module, layer: Optional[str] = None
) -> Iterator[List[Tensor]]:
    """Catch what a layer reads while the model runs.

    Args:
        model (nn.Module): Any model; the hook is removed at the end.
        layer (str, optional): Name of the module; None for the last one
            called ``conv_seg``.

    Yields:
        list[Tensor]: Grows by one (n, C, H, W) a call of the layer.

    Raises:
        ValueError: There is no such layer.
    """
    modules = dict(model.named_modules())
    if layer is None:
        named = [n for n in modules if n.split('.')[-1] == LAST_LAYER]
        layer = named[-1] if named else LAST_LAYER
    if layer not in modules:
        heads = [n for n in modules if n.startswith('decode_head.')]
        raise ValueError(
            f'{type(model).__name__} has no layer {layer!r} to read the final '
            f'feature from; give one of its modules, e.g. {heads[-3:]}'
        )
    caught: List[Tensor] = []
    handle = modules[layer].register_forward_pre_hook(
        lambda module, args: caught.append(args[0].detach())
    )
    try:
        yield caught
    finally:
        handle.remove()


@torch.no_grad()
def _effects(
    model: nn.Module, pair: List[dict], features: List[Tensor]
) -> Tuple[float, float]:
    """Effects of sound and of sight on the first clip of a pair."""
    batch = model.data_preprocessor(pseudo_collate(pair), training=False)
    features.clear()
    model(_swapped(batch['inputs']))
    views = torch.cat(features).unflatten(0, (3, -1))
    # Frames that both clips really have; the shorter one was padded.
    frames = min(sample.num_frames for sample in batch['data_samples'])
    own, other_sound, other_sight = views[:, :frames].double().flatten(1)
    return (
        (own - other_sound).square().mean().item() / 2,
        (own - other_sight).square().mean().item() / 2,
    )


def _swapped(inputs: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Two clips -> (own, other's sound, other's sight), in one batch."""
    sight, sound = [0, 0, 1], [0, 1, 0]
    return {
        key: value[sound if key.startswith('audio') else sight]
        for key, value in inputs.items()
    }


def _share(effects: np.ndarray, seed: int) -> ModalityShare:
    """Ratio of sums of (n, 2) effects, and its interval over clips."""
    if not effects.sum() > 0:
        raise ValueError(
            'neither another sound nor another sight changes the feature; '
            'the layer is constant'
        )
    draws = np.random.RandomState(seed)
    picks = draws.randint(0, len(effects), (2000, len(effects)))
    sums = effects[picks].sum(axis=1)
    ratios = sums[:, 0] / sums.sum(axis=1).clip(min=np.finfo(float).tiny)
    low, high = np.quantile(ratios, (0.025, 0.975))
    sound, sight = effects.sum(axis=0)
    return ModalityShare(
        float(sound / (sound + sight)), float(low), float(high), len(effects)
    )

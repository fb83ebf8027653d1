"""For every loss, options and what it is called with.

All tensors of an example hold clips (or frames) first, so that a batch can be
cut in two, and the loss be called on each part. What the parts count differs,
and some count nothing. A new loss needs an entry in ``EXAMPLES``.
"""

import importlib
import inspect
import pkgutil
from contextlib import contextmanager
from typing import Callable, Dict, List, NamedTuple, Tuple

import torch
from torch import Tensor, nn

from mmavs.models import losses
from mmavs.registry import MODELS
from mmavs.structures import (
    AVFeatures,
    AVSDataSample,
    FramePixelData,
    LabeledFrames,
)
from mmavs.utils import register_all_modules

Tensors = Dict[str, Tensor]
NUM_FRAMES = 2  # of a clip

collect = LabeledFrames.collect


class Example(NamedTuple):
    """One way to call a loss.

    Attributes:
        options (dict): Arguments of the loss.
        make (callable): Gives the whole batch, float64.
        call (callable): Takes a loss and a part of the batch; gives a scalar.
        cuts (tuple[int]): How many clips (or frames) are in the first part.
        targets (tuple[str]): Of the floats, those that get no gradient on
            purpose.
    """

    options: dict
    make: Callable[[], Tensors]
    call: Callable[[nn.Module, Tensors], Tensor]
    cuts: Tuple[int, ...]
    targets: Tuple[str, ...] = ()


def all_losses() -> Dict[str, type]:
    """Find every loss of mmavs: registered anywhere, or in the folder."""
    register_all_modules()
    found = {
        name: kind
        for name, kind in MODELS.module_dict.items()
        if name.endswith('Loss') and kind.__module__.startswith('mmavs.')
    }
    for module in pkgutil.iter_modules(
        losses.__path__, 'mmavs.models.losses.'
    ):
        for name, kind in vars(importlib.import_module(module.name)).items():
            own = getattr(kind, '__module__', None) == module.name
            if own and isinstance(kind, type) and issubclass(kind, nn.Module):
                if not inspect.isabstract(kind):
                    found[name] = kind
    return found


# ------------------------------------------------------ losses of one's frames


def frames(channels: int) -> Tensors:
    """Five frames: nothing labelled, half, no foreground, all, all."""
    target = torch.randint(0, max(2, channels - 1), (5, 6, 4))
    target[0] = 255
    target[1, :3] = 255
    target[2] = 0
    return dict(logits=torch.randn(5, channels, 6, 4), target=target)


def binary_frames() -> Tensors:
    return frames(1)


def class_frames() -> Tensors:
    return frames(4)


def on_frames(loss: nn.Module, batch: Tensors) -> Tensor:
    return loss(batch['logits'], batch['target'])


def of_frames(make: Callable[[], Tensors], *options: dict) -> List[Example]:
    return [Example(o, make, on_frames, (0, 1, 2)) for o in options or [{}]]


# -------------------------------------------------------- auxiliary losses


def clips() -> Tensors:
    """Three clips: no label; one label and a padded frame; two labels.

    In each clip the sounds are closer to each other than to those of others.
    """
    apart = 100.0 * torch.arange(3).view(3, 1, 1)
    shape = (3, NUM_FRAMES)
    return dict(
        fine=torch.randn(*shape, 4, 6, 6),
        coarse=torch.randn(*shape, 4, 3, 3),
        sound=torch.randn(*shape, 5),
        aligned=apart + torch.randn(*shape, 4),
        logits=torch.randn(*shape, 1, 12, 12),
        masks=torch.randint(0, 2, (*shape, 1, 12, 12)),
        labeled=torch.tensor([[0, 0], [1, 0], [1, 1]]).bool(),
        valid=torch.tensor([[1, 1], [1, 0], [1, 1]]).bool(),
    )


def class_clips() -> Tensors:
    return dict(clips(), logits=torch.randn(3, NUM_FRAMES, 4, 12, 12))


def on_clips(loss: nn.Module, batch: Tensors) -> Tensor:
    flat = {key: value.flatten(0, 1) for key, value in batch.items()}
    features = AVFeatures(
        (flat['fine'], flat['coarse']),
        audio=flat['sound'],
        aligned_audio=(flat['aligned'],) * 2,
        valid=flat['valid'],
        num_frames=NUM_FRAMES,
    )
    samples = []
    for masks, labeled in zip(batch['masks'], batch['labeled']):
        sample = AVSDataSample(
            metainfo=dict(
                num_frames=NUM_FRAMES,
                labeled_frames=labeled.nonzero().flatten().tolist(),
            )
        )
        sample.gt_sem_seg = FramePixelData(data=masks)
        samples.append(sample)
    labels = collect(samples, NUM_FRAMES)
    (value,) = loss(features, flat['logits'], labels).values()
    return value


def of_clips(
    *options: dict,
    make: Callable[[], Tensors] = clips,
    targets: Tuple[str, ...] = (),
) -> List[Example]:
    return [Example(o, make, on_clips, (1, 2), targets) for o in options]


# -------------------------------------------------------- losses of instances


def instances() -> Tensors:
    """Five frames of three queries, with 0, 1, 0, 2 and 2 objects."""
    return dict(
        class_logits=torch.randn(5, 3, 4),
        mask_logits=torch.randn(5, 3, 6, 6),
        count=torch.tensor([0, 1, 0, 2, 2]),
        labels=torch.tensor([[0, 1]] * 3 + [[2, 0], [1, 2]]),
        masks=torch.randint(0, 2, (5, 2, 12, 12)),
        unmatched=torch.rand(5, 3) > 0.4,
    )


def on_instances(loss: nn.Module, batch: Tensors) -> Tensor:
    labels, masks = (
        [part[:n] for part, n in zip(batch[key], batch['count'])]
        for key in ('labels', 'masks')
    )
    terms, _ = loss(batch['class_logits'], batch['mask_logits'], labels, masks)
    return sum(terms.values())


def tracked() -> Tensors:
    """Four clips of two labelled frames, one of them silent."""
    target = torch.randint(0, 2, (4, NUM_FRAMES, 6, 6))
    target[1] = 0
    return dict(
        masks=torch.randn(4, NUM_FRAMES, 3, 6, 6),
        iou=torch.rand(4, NUM_FRAMES, 3),
        score=torch.randn(4, NUM_FRAMES, 1),
        target=target,
    )


def on_tracked(loss: nn.Module, batch: Tensors) -> Tensor:
    clips = len(batch['target'])
    parts = [value.flatten(0, 1) for value in batch.values()]
    return sum(loss(*parts, clips).values())


def fused() -> Tensors:
    """Three clips with residuals of stride 16, in part labelled."""
    shape = (3, NUM_FRAMES)
    return dict(
        levels=torch.randn(*shape, 3, 4, 3, 3),
        audio=torch.randn(*shape, 3, 4),
        logits=torch.randn(*shape, 1, 12, 12),
        masks=torch.randint(0, 2, (*shape, 48, 48)),
        labeled=torch.tensor([[0, 0], [1, 0], [1, 1]]).bool(),
    )


def on_fused(loss: nn.Module, batch: Tensors) -> Tensor:
    loss.eval()  # batch statistics are a rank's own by design
    flat = {key: value.flatten(0, 1) for key, value in batch.items()}
    indices = flat['labeled'].nonzero()[:, 0]
    labels = LabeledFrames(
        indices, indices // NUM_FRAMES, flat['masks'][indices], []
    )
    features = AVFeatures(
        tuple(flat['levels'].unbind(1)), flat['audio'], num_frames=NUM_FRAMES
    )
    with unshuffled():
        (value,) = loss(features, flat['logits'], labels).values()
    return value


@contextmanager
def unshuffled():
    """Draws are a rank's own; here all take what comes first."""
    shuffled, torch.randperm = torch.randperm, torch.arange
    try:
        yield
    finally:
        torch.randperm = shuffled


def queries() -> Tensors:
    """What is wanted of the three queries of five frames."""
    return dict(
        class_logits=torch.randn(5, 3, 4),
        wanted=torch.randint(0, 4, (5, 3)),
    )


def on_queries(loss: nn.Module, batch: Tensors) -> Tensor:
    return loss(batch['class_logits'], batch['wanted'])


def on_silent_objects(loss: nn.Module, batch: Tensors) -> Tensor:
    union = batch['masks'].amax(dim=1)
    return loss(batch['mask_logits'], batch['unmatched'], union)


FRAME_DICE = dict(squared=True, smooth_nr=0, smooth_dr=0.002, skip_empty=False)
PROJECTED = dict(audio_channels=5, visual_channels=4)
BG = dict(in_channels=4, audio_channels=5, feature_size=3)

EXAMPLES: Dict[str, List[Example]] = dict(
    AVFSLoss=of_clips(
        dict(),
        dict(axis='joint', **PROJECTED),
        dict(kind='l2'),
        dict(kind='frame_l2', axis='joint'),
    ),
    AudioVisualMappingLoss=[
        *of_clips(
            dict(),
            dict(reduction='mean', pool='max'),
            dict(reduction='mean', mask_thr=0.5),
            dict(mode='visual-visual'),
            dict(mode='visual-visual', distance='euclidean'),
            dict(distance='euclidean', normalize=True),
        ),
        *of_clips(dict(detach_audio=True), targets=('aligned',)),
        *of_clips(dict(reduction='mean'), make=class_clips),
    ],
    AudioVisualContrastiveLoss=[
        Example(
            dict(in_channels=4, proj_channels=5, own_labels=own),
            fused,
            on_fused,
            (1, 2),
            targets=('logits',),
        )
        for own in (False, True)
    ],
    ClassDiceLoss=of_frames(class_frames, {}),
    FrameBCELoss=of_frames(binary_frames, {}, dict(on_probabilities=True)),
    FrameCrossEntropyLoss=of_frames(class_frames),
    FrameDiceLoss=of_frames(binary_frames, {}, FRAME_DICE),
    InstanceSetLoss=[
        Example(
            dict(num_categories=3, mask_loss=kind, no_object_weight=weight),
            instances,
            on_instances,
            (0, 1, 2),
        )
        for kind, weight in (('focal', 0.1), ('bce', 0.01))
    ],
    MaskedInfoNCELoss=of_clips(
        dict(in_channels=(4, 4), audio_channels=5),
        dict(in_channels=(4,), audio_channels=5, temperature=0.5),
        targets=('aligned', 'logits'),
    ),
    ReferredLoss=[Example({}, queries, on_queries, (0, 1, 2))],
    SAM2MaskLoss=[Example({}, tracked, on_tracked, (0, 1, 2))],
    SigmoidFocalLoss=of_frames(binary_frames),
    SilentObjectLoss=[
        Example(dict(reduction=kind), instances, on_silent_objects, (0, 1, 2))
        for kind in ('sum', 'mean')
    ],
    StructureLoss=of_frames(binary_frames, {}, dict(weighted_bce=True)),
    VisualToAudioLoss=of_clips(
        BG, dict(BG, mask='predicted', sigmoid=True), targets=('sound',)
    ),
)

"""What a training step holds, without taking it.

The step runs on tensors that have shapes and no values, as many clips of full
size as one likes; what autograd keeps, what checkpointing throws away and what
lives for a moment are counted as the tensors come and go.
"""

import weakref
from typing import Dict, Iterable, List, NamedTuple, Tuple, Union

import torch
from mmengine.config import Config
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmavs.analysis.workloads import RunSetting, freeze
from mmavs.models.decode_heads.avs_decode_head import AVSDecodeHead
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVHeadOutput, LabeledFrames
from mmavs.testing.meta import OnMeta

# tensors of a parameter's size that an optimizer keeps
STATES = dict(Adam=2, AdamW=2, NAdam=2, RAdam=2, Adamax=2, SGD=1, RMSprop=1)


class MemoryEstimate(NamedTuple):
    """What a training step holds at its peak, in bytes.

    Attributes:
        weights (int): Parameters and buffers.
        optimizer (int): States of what is trained.
        step (int): Activations and gradients, the most that forward pass,
            backward pass and optimizer hold of both together.
    """

    weights: int
    optimizer: int
    step: int

    @property
    def total(self) -> int:
        """int: All of it, without the clips themselves."""
        return sum(self)


def memory_estimate(
    config: Config, setting: RunSetting, num_clips: int
) -> MemoryEstimate:
    """Predict what a training step holds.

    Losses that look at values (matching, sampling of pixels) are left out,
    and all that the head gives is summed instead; they see the maps of
    labelled frames alone. An allocator takes more than what is held, a GPU's
    about a tenth; attention with dropout holds its matrix, as on a CPU, which
    a GPU's kernels spare.

    Args:
        config (Config): With ``model`` and ``optim_wrapper``.
        setting (RunSetting): Frames, size, precision, labelled frames.
        num_clips (int): Of the step.

    Returns:
        MemoryEstimate: Of a step, once the optimizer has its states.
    """
    try:
        model, step = _count(config, setting, num_clips, on_cpu=True)
    except DataDependentOutputException:  # the meta device is asked first
        model, step = _count(config, setting, num_clips, on_cpu=False)
    parameters = list(model.parameters())
    trained = _size_of(p for p in parameters if p.requires_grad)
    kind = config.optim_wrapper.optimizer.type
    return MemoryEstimate(
        weights=_size_of([*parameters, *model.buffers()]),
        optimizer=STATES.get(kind, 2) * trained,
        step=max(step, trained),
    )


def _count(
    config: Config, setting: RunSetting, num_clips: int, on_cpu: bool
) -> Tuple[nn.Module, int]:
    """The model, and the most that a step holds beside it.

    On the CPU attention is fused, on the meta device it is not.
    """
    with OnMeta():
        model = MODELS.build(config.model)
    frozen = freeze(model, config)
    live = LiveBytes()
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with fake if on_cpu else OnMeta():
        _place(model, 'cpu' if on_cpu else 'meta')
        model.train()
        for module in frozen:
            module.eval()
        clips = _clips(model, setting, num_clips)
        with live:
            _step(model, setting, *clips)
    return model, live.peak


def _place(model: nn.Module, device: str) -> None:
    """Put weights without values there; what modules share stays shared."""
    placed: Dict[int, Tensor] = {}
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is None:
                    continue
                if id(tensor) not in placed:
                    new = torch.empty_like(tensor, device=device)
                    if isinstance(tensor, nn.Parameter):
                        new = nn.Parameter(new, tensor.requires_grad)
                    placed[id(tensor)] = new
                tensors[name] = placed[id(tensor)]


def _size_of(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _clips(
    model: nn.Module, setting: RunSetting, num_clips: int
) -> Tuple[dict, LabeledFrames]:
    """Inputs and labels of a step."""
    shape = (num_clips, setting.num_frames)
    inputs = dict(imgs=torch.empty(*shape, 3, *setting.size))
    if model.audio_encoder is not None:
        inputs['audio'] = torch.empty(*shape, *setting.audio_shape)
    per_clip = setting.num_labelled or setting.num_frames
    count = num_clips * per_clip
    labels = LabeledFrames(
        indices=torch.arange(count),
        clips=torch.arange(num_clips).repeat_interleave(per_clip),
        masks=torch.zeros(count, *setting.size, dtype=torch.long),
        frames=[None] * count,
    )
    return inputs, labels


def _step(
    model: nn.Module,
    setting: RunSetting,
    inputs: dict,
    labels: LabeledFrames,
) -> None:
    """Forward and backward pass."""
    with setting.autocast():
        of_all, (stages, labels) = model.encode_and_fuse(inputs, labels)
        output = model.decode(stages[-1])
        losses = _losses(model, stages, output, labels, of_all)
        total = sum(
            leaf.sum()
            for leaf in tree_leaves(losses)
            if isinstance(leaf, Tensor) and leaf.requires_grad
        )
    del of_all, stages, output, losses
    total.backward()


def _losses(
    model: nn.Module,
    stages: List[AVFeatures],
    output: AVHeadOutput,
    labels: LabeledFrames,
    of_all: tuple,
) -> Union[dict, AVHeadOutput]:
    """The losses, or what the head gave if they look at values."""
    head = model.decode_head
    if not isinstance(head, AVSDecodeHead) or head.finds_instances:
        return output
    try:
        losses = head.loss(output, labels)
        losses.update(
            model.auxiliary_losses.compute(stages, output, labels, of_all)
        )
    except (DataDependentOutputException, DynamicOutputShapeException):
        return output
    return losses


class LiveBytes(TorchDispatchMode):
    """Follow how many bytes of tensors are held that are made inside.

    Attributes:
        now (int): Held at present.
        peak (int): The most so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: Dict[int, object] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {
            id(leaf.untyped_storage())
            for leaf in tree_leaves((args, kwargs))
            if isinstance(leaf, Tensor)
        }
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                storage = leaf.untyped_storage()
                if id(storage) not in given:
                    self._follow(storage)
        return out

    def _follow(self, storage) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._known:
            return

        def forget() -> None:
            self._known.pop(key, None)
            self.now -= size

        self._known[key] = weakref.finalize(storage, forget)
        self.now += size
        self.peak = max(self.peak, self.now)

"""Every method computes where its weights are."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from packaging.version import Version
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmavs.analysis.workloads import RunSetting, build_form, training_step
from mmavs.models.layers import deformable_attention

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/synthetic'
METHODS = ('film', 'tpavi', 'avsbg', 'avsegformer', 'avsac', 'catr')
gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU'),
]
SETTING = RunSetting(num_frames=5, size=(64, 64))


def load(name):
    return Config.fromfile(CONFIGS / f'{name}_tiny_ms3.py')


def to_pretended_gpu(model, pretence):
    """Replace all parameters and buffers by shapes on 'cuda'."""
    moved = {}

    def move(tensor):
        if id(tensor) not in moved:
            shape = tensor.detach()
            with pretence:
                twin = torch.empty_like(
                    pretence.from_tensor(shape), device='cuda'
                )
            if isinstance(tensor, nn.Parameter):
                twin = nn.Parameter(twin, tensor.requires_grad)
            moved[id(tensor)] = twin
        return moved[id(tensor)]

    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            tensors.update(
                {k: move(v) for k, v in tensors.items() if v is not None}
            )


class Journeys(TorchDispatchMode):
    """Note what a GPU is waited for: copies from and to it, and its values.

    A CUDA graph cannot be recorded of any of these.
    """

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        output = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        places = {
            leaf.device.type
            for leaf in tree_leaves((args, output))
            if isinstance(leaf, torch.Tensor)
        }
        if name in ('_to_copy', 'copy_') and len(places) > 1:
            self.found.append(name)
        if name == '_local_scalar_dense':
            self.found.append(name)
        return output


needs_no_driver = pytest.mark.skipif(
    Version(torch.__version__) < Version('2.6'),
    reason='PyTorch 2.4 pretends only where a driver is',
)


# what instance heads keep depends on values, which a pretence has not
@needs_no_driver
@pytest.mark.parametrize('name', METHODS)
def test_no_tensor_is_made_elsewhere(name, monkeypatch):
    """On a pretended GPU, operands of two devices are refused."""
    # mmcv's compiled operators cannot pretend
    monkeypatch.setattr(
        deformable_attention, 'has_compiled_ops', lambda: False
    )
    model, _ = build_form(load(name), 'mmavs')
    pretence = FakeTensorMode()
    to_pretended_gpu(model, pretence)
    setting = SETTING._replace(device='cuda')
    with pretence:
        inputs, samples = setting.clips(model, 2)
        with Journeys() as journeys:
            logits = model.encode_decode(inputs).logits
        matches = hasattr(model.decode_head, 'matcher')  # looks at values
        losses = {} if matches else model.loss(inputs, samples)
    assert not journeys.found
    assert logits.device.type == 'cuda'
    assert logits.shape[:2] == (10, 1)
    for key, loss in losses.items():
        assert loss.device.type == 'cuda', key


@needs_no_driver
def test_a_pretended_gpu_refuses_other_devices():
    with FakeTensorMode():
        frames = torch.empty(2, device='cuda')
        with pytest.raises(RuntimeError, match='two different devices'):
            frames + torch.empty(2)
        with Journeys() as journeys:
            frames.new_tensor([1.0])
            frames.new_full((1,), 1.0)
    assert journeys.found == ['_to_copy']


def gpu_methods(function):
    for mark in gpu:
        function = mark(function)
    names = (*METHODS, 'avis')
    return pytest.mark.parametrize('name', names)(function)


@gpu_methods
def test_gpu_equals_cpu(name):
    model, _ = build_form(load(name), 'mmavs')
    model.eval()
    inputs, _ = SETTING.clips(model, 2)
    with torch.no_grad():
        expected = model.encode_decode(inputs).logits
        model.cuda()
        inputs = {key: value.cuda() for key, value in inputs.items()}
        given = model.encode_decode(inputs).logits.cpu()
    # TF32 is allowed; what AVIS' instances sum up to leaps at a threshold
    near = (given - expected).abs() < 0.02 * (1 + expected.abs())
    assert near.float().mean() > 0.99


@gpu_methods
@pytest.mark.parametrize('precision', ('bf16', 'fp16'))
def test_training_in_half_precision(name, precision):
    """Two steps change every trained parameter, and none to NaN."""
    config = load(name)
    model, _ = build_form(config, 'mmavs', 'cuda')
    setting = SETTING._replace(device='cuda', precision=precision)
    step = training_step(model, config, setting, 2)
    before = {k: p.clone() for k, p in model.named_parameters()}
    for _ in range(2):
        step()
    for key, parameter in model.named_parameters():
        assert parameter.isfinite().all(), key
    moved = [
        not torch.equal(parameter, before[key])
        for key, parameter in model.named_parameters()
        if parameter.requires_grad
    ]
    assert sum(moved) > 0.9 * len(moved) > 0

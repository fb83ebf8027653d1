"""Triton's kernels against the PyTorch form.

Triton's interpreter is chosen when a kernel is defined, so the kernels run in
an interpreter of their own, which loads their file alone.
"""

import sys
from pathlib import Path

import pytest
import torch
from fresh_python import run_python

from mmavs.models.layers import deformable_attention
from mmavs.models.layers.deformable_attention import (
    HAS_TRITON,
    MultiScaleDeformableAttention,
    choose_form,
    sum_samples,
)

pytestmark = pytest.mark.skipif(not HAS_TRITON, reason='needs Triton')
KERNELS = Path(sys.modules[sum_samples.__module__].__file__).with_name(
    'sample_kernels.py'
)
DTYPES = dict(float32=torch.float, bfloat16=torch.bfloat16, float16=torch.half)
# rounding of a value near 1
STEPS = dict(float32=2**-20, bfloat16=2**-8, float16=2**-11)
SHAPES = [(3, 5), (2, 1)]
INTERPRET = """
import sys
from importlib.util import module_from_spec, spec_from_file_location

import torch

spec = spec_from_file_location('sample_kernels', sys.argv[1])
kernels = module_from_spec(spec)
spec.loader.exec_module(kernels)
kernels.BLOCK_ELEMENTS = 8  # two queries: the last block is not full
for name, case in (cases := torch.load(sys.argv[2])).items():
    *leaves, sizes, grad = case
    output = kernels.sum_forward(*leaves, sizes)
    cases[name] = [output, *torch.autograd.grad(output, leaves, grad)]
torch.save(cases, sys.argv[2])
"""


def case(dtype):
    """Two frames, two heads of three channels, three queries.

    Some points lie outside, one of them too far for an integer.
    """
    torch.manual_seed(1)
    value = torch.randn(2, 17, 2, 3).to(dtype)
    points = torch.rand(2, 3, 2, 2, 2, 2) * 1.6 - 0.3
    points[0, 0, 0, 0, 0] = torch.tensor([1e30, -1e30])
    weights = torch.rand(2, 3, 2, 2, 2)
    leaves = [x.requires_grad_() for x in (value, points, weights)]
    sizes = [side for shape in SHAPES for side in shape]
    return [*leaves, sizes, torch.randn(2, 3, 6).to(dtype)]


def by_pytorch(leaves, grad):
    value, points, weights = leaves
    output = sum_samples(value, SHAPES, points, weights)
    return [output, *torch.autograd.grad(output, leaves, grad)]


@pytest.fixture(scope='module')
def interpreted(tmp_path_factory):
    """Output and gradients of every case, by the interpreter."""
    file = tmp_path_factory.mktemp('kernels') / 'cases.pth'
    torch.save({name: case(dtype) for name, dtype in DTYPES.items()}, file)
    arguments = f'import sys; sys.argv[1:] = {[str(KERNELS), str(file)]}\n'
    run = run_python(arguments + INTERPRET, TRITON_INTERPRET='1')
    assert run.returncode == 0, run.stderr
    return torch.load(file)


@pytest.mark.parametrize('name', DTYPES)
def test_output_and_gradients(interpreted, name):
    *leaves, _, grad = case(DTYPES[name])
    expected = by_pytorch(leaves, grad)
    parts = ('output', 'value', 'points', 'weights')
    for part, got, right in zip(parts, interpreted[name], expected):
        # points and weights stay float32, whatever the values are
        step = STEPS[name if part in ('output', 'value') else 'float32']
        assert got.dtype == right.dtype
        torch.testing.assert_close(
            got.float(), right.float(), rtol=2 * step, atol=step, msg=part
        )
        assert right.abs().max() > 0.1


def test_form_is_chosen_in_one_place(monkeypatch):
    value, points = torch.zeros(1), torch.zeros(1)
    assert choose_form(value, points) == 'torch'
    monkeypatch.setattr(deformable_attention, 'FORM', 'triton')
    assert choose_form(value, points) == 'triton'
    message = 'MMAVS_DEFORMABLE=triton .* of torch.float64 on cpu .*one of: t'
    with pytest.raises(ValueError, match=message):
        choose_form(value, points.double())
    monkeypatch.setattr(deformable_attention, 'FORM', 'cuda')
    with pytest.raises(ValueError, match='Fix: .* triton, torch'):
        choose_form(value, points)


class OnGPU:
    """Stands for a tensor on a GPU."""

    is_cuda, device = True, torch.device('cuda:0')


def test_a_gpu_takes_triton_where_it_can(monkeypatch):
    single, double = torch.zeros(1), torch.zeros(1).double()
    monkeypatch.setattr(
        deformable_attention, 'has_compiled_ops', lambda: False
    )
    monkeypatch.setattr(deformable_attention, '_is_new', lambda device: True)
    assert choose_form(OnGPU, single) == 'triton'
    assert choose_form(OnGPU, double) == 'torch'
    torch.use_deterministic_algorithms(True)
    try:
        assert choose_form(OnGPU, single) == 'torch'
    finally:
        torch.use_deterministic_algorithms(False)
    monkeypatch.setattr(deformable_attention, 'HAS_TRITON', False)
    assert choose_form(OnGPU, single) == 'torch'
    monkeypatch.setattr(deformable_attention, 'has_compiled_ops', lambda: True)
    assert choose_form(OnGPU, single) == 'mmcv'


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('name', DTYPES)
def test_gpu_equals_pytorch(name, monkeypatch):
    """At full width, of the sizes that 512 pixels give."""
    shapes = [(64, 64), (32, 32), (16, 16)]
    module = MultiScaleDeformableAttention(num_levels=3).cuda()
    module.to(DTYPES[name])
    pixels = sum(h * w for h, w in shapes)
    query, value = torch.randn(2, 1, pixels, 256, device='cuda').unbind()
    ref = torch.rand(1, pixels, 3, 2, device='cuda')
    results = []
    for form in ('triton', 'torch'):
        monkeypatch.setattr(deformable_attention, 'FORM', form)
        inputs = [x.to(DTYPES[name]).requires_grad_() for x in (query, value)]
        output = module(*inputs, ref, shapes)
        leaves = [*inputs, *module.parameters()]
        results.append(
            [output, *torch.autograd.grad(output.float().sum(), leaves)]
        )
    bound = 1e-4 if name == 'float32' else 0.02
    for got, right in zip(*results):
        assert got.dtype == right.dtype
        error = (got.float() - right.float()).norm()
        assert error <= bound * right.float().norm()

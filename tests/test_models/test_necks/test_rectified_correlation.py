"""Row and column means of the rectified correlation, in blocks."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmavs.models.necks.motion_correlation import (
    mean_rectified_correlation,
)


def whole_volume(source, target):
    """The definition, with the volume whole."""
    volume = torch.einsum('pcm,pcn->pmn', source, target).clamp(min=0)
    return volume.mean(dim=2), volume.mean(dim=1)


def test_hand_computed():
    # two positions, one channel: products (2*1, 2*-3; -1*1, -1*-3)
    source = torch.tensor([[[2.0, -1.0]]])
    target = torch.tensor([[[1.0, -3.0]]])
    over_target, over_source = mean_rectified_correlation(source, target)
    assert over_target.tolist() == [[1.0, 1.5]]  # (2+0)/2, (0+3)/2
    assert over_source.tolist() == [[1.0, 1.5]]  # (2+0)/2, (0+3)/2


@pytest.mark.parametrize('block_elements', [1, 7, 40, 100, 250, 10**6])
def test_equals_the_whole_volume(block_elements):
    source = torch.randn(5, 3, 10, dtype=torch.double)
    target = torch.randn(5, 3, 10, dtype=torch.double)
    weights = torch.randn(2, 5, 10, dtype=torch.double)
    results = []
    for run in (
        lambda x, y: mean_rectified_correlation(x, y, block_elements),
        whole_volume,
    ):
        x, y = source.clone().requires_grad_(), target.clone().requires_grad_()
        means = run(x, y)
        sum((w * m).sum() for w, m in zip(weights, means)).backward()
        results.append((*means, x.grad, y.grad))
    for blocked, whole in zip(*results):
        torch.testing.assert_close(blocked, whole, rtol=1e-13, atol=1e-14)


def test_gradcheck():
    source = torch.randn(2, 3, 4, dtype=torch.double, requires_grad=True)
    target = torch.randn(2, 3, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, y: mean_rectified_correlation(x, y, 6), (source, target)
    )


def test_half_products_are_summed_in_float32():
    # 4096 products of 32 each: the float16 sum, 131072, would be infinite
    ones = torch.full((1, 2, 4096), 4.0, dtype=torch.float16)
    over_target, over_source = mean_rectified_correlation(ones, ones)
    assert over_target.dtype == torch.float32
    assert bool((over_target == 32).all() and (over_source == 32).all())


def test_autocast_forms_products_in_its_type():
    source, target = torch.randn(2, 1, 8, 30).unbind()
    exact, _ = mean_rectified_correlation(source, target)
    with torch.autocast('cpu', torch.bfloat16):
        coarse, _ = mean_rectified_correlation(source, target)
    assert coarse.dtype == torch.float32
    assert not torch.equal(coarse, exact)
    torch.testing.assert_close(coarse, exact, rtol=0.05, atol=0.02)


class _Largest(TorchDispatchMode):
    """Notes the largest tensor that any operator returns."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, torch.Tensor):
                self.numel = max(self.numel, tensor.numel())
        return out


@pytest.mark.parametrize('num_pairs', [1, 5])
def test_the_volume_never_exists(num_pairs):
    source = torch.randn(num_pairs, 2, 300, requires_grad=True)
    target = torch.randn(num_pairs, 2, 300, requires_grad=True)
    with _Largest() as seen:
        means = mean_rectified_correlation(source, target, 6000)
        (means[0] * means[1]).sum().backward()
    # a block, or the maps themselves; a volume has 90000
    assert seen.numel == 6000
    assert source.grad.abs().sum() > 0 and target.grad.abs().sum() > 0


@pytest.mark.parametrize(
    'shapes, block_elements, message',
    [
        (((1, 2, 3), (1, 2, 4)), None, r'alike, got \(1, 2, 3\)'),
        (((2, 3), (2, 3)), None, r'must be \(P, C, M\)'),
        (((1, 2, 3), (1, 2, 3)), 0, 'block_elements must be >= 1'),
    ],
)
def test_errors(shapes, block_elements, message):
    with pytest.raises(ValueError, match=message):
        mean_rectified_correlation(
            *map(torch.zeros, shapes), block_elements=block_elements
        )


def test_shapes_on_the_meta_device():
    source = torch.empty(2, 3, 10, device='meta')
    over_target, _ = mean_rectified_correlation(source, source, 40)
    assert over_target.shape == (2, 10) and over_target.is_meta

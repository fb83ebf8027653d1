"""What a compiled or exported graph computes otherwise, it computes alike."""

import pytest
import torch

from mmavs.models.layers.avsc import filter_instances
from mmavs.models.layers.avsegformer import MaskComposer
from mmavs.models.layers.deformable_attention import sum_samples
from mmavs.models.necks.motion_correlation import mean_rectified_correlation


@pytest.fixture
def both(monkeypatch):
    """Call a function as it is, then as a compiler traces it."""

    def call(function):
        with torch.no_grad():
            torch.manual_seed(0)
            eager = function()
            monkeypatch.setattr(torch.compiler, 'is_compiling', lambda: True)
            torch.manual_seed(0)
            return eager, function()

    return call


def close(found, wanted):
    for one, other in zip(found, wanted):
        assert one.shape == other.shape
        assert torch.allclose(one, other, atol=1e-5), (one - other).abs().max()


def test_samples_of_maps(both):
    shapes = [(5, 4), (3, 2)]

    def run():
        value = torch.randn(2, 26, 3, 8)
        # some lie outside of the maps
        points = torch.rand(2, 7, 3, 2, 4, 2) * 1.6 - 0.3
        weights = torch.rand(2, 7, 3, 2, 4)
        return [sum_samples(value, shapes, points, weights)]

    close(*both(run))


def test_masks_of_all_frames_at_once(both):
    def run():
        composer = MaskComposer(6, 32, 2, mlp_channels=16)
        return composer(torch.randn(3, 32, 4, 5), torch.randn(3, 6, 32))

    close(*both(run))


def test_correlation_without_blocks(both):
    def run():
        return mean_rectified_correlation(
            torch.randn(3, 4, 10), torch.randn(3, 4, 10), 20
        )

    close(*both(run))


def test_instances_are_padded_to_all_categories(both):
    def run():
        return filter_instances(
            torch.randn(4, 5, 8), torch.randn(4, 5, 3, 3) - 1
        )

    eager, compiled = both(run)
    count = eager.valid.shape[1]
    assert count < compiled.valid.shape[1] == 7
    assert not compiled.valid[:, count:].any()
    for one, other in zip(eager, compiled):
        assert torch.equal(one, other[:, :count])


def test_instances_come_by_category_after_those_that_exist():
    """The oracle is a stable sort of "not there"."""
    torch.manual_seed(1)
    found = filter_instances(torch.randn(50, 6, 10), torch.randn(50, 6, 2, 2))
    for labels, valid in zip(found.labels.tolist(), found.valid.tolist()):
        there = [label for label, v in zip(labels, valid) if v]
        absent = [label for label, v in zip(labels, valid) if not v]
        assert there == sorted(there) and absent == sorted(absent)
        assert valid == sorted(valid, reverse=True)
        rest = [label for label in range(9) if label not in there]
        assert absent == rest[: len(absent)]

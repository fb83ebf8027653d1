"""Metrics and the loops they replace give the same, by hand and by noise."""

import pytest
import torch

from mmavs.analysis.naive.metrics import (
    frame_histograms,
    metric_forms,
    threshold_loop,
)


@pytest.mark.parametrize('num_classes, frames', [(2, 3), (5, 2), (71, 2)])
def test_both_ways_agree(num_classes, frames):
    name, works = metric_forms(num_classes, frames, 'cpu', size=32)
    ours, loop = works['mmavs'](), works['naive']()
    assert f'({frames}, 32, 32)' in name
    shape = (frames, 255) if num_classes == 2 else (3, frames, num_classes)
    assert ours.shape == loop.shape == shape
    assert loop.max() > 0  # the maps overlap
    torch.testing.assert_close(ours.float(), loop, rtol=0, atol=1e-6)


def test_threshold_loop_by_hand():
    """One of two true pixels found: P = 1, R = 1/2, F = 1.3/2 / 0.8."""
    probability = torch.tensor([[[0.9, 0.2, 0.1]], [[0.9, 0.2, 0.1]]])
    target = torch.tensor([[[1, 1, 0]], [[0, 0, 0]]])
    curve = threshold_loop(probability, target)
    assert curve[0, 127].item() == pytest.approx(0.65 / 0.8)
    assert curve[0, 0].item() == pytest.approx(1.3 * 2 / 3 / (0.2 + 1))
    assert curve[1].tolist() == [0.0] * 255


def test_frame_histograms_by_hand():
    counts = frame_histograms(
        torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 1, 2]]]), 3
    )
    assert counts.tolist() == [[[1, 1, 0]], [[1, 2, 0]], [[1, 1, 1]]]

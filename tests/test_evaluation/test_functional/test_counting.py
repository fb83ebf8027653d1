"""Counting: both ways agree, and the device is never waited for."""

import pytest
import torch

from mmavs.evaluation.functional import binary_sums, semantic_sums
from mmavs.evaluation.functional.counting import count, scatter_count


def test_both_ways_of_counting_agree():
    index = torch.randint(0, 50, (4, 30), dtype=torch.int32)
    expected = [(index == i).sum().item() for i in range(60)]
    assert count(index, 60).tolist() == expected
    assert scatter_count(index.flatten(), 60).tolist() == expected


def test_nothing_is_read_back_from_the_device():
    """Tensors without data fail wherever the host asks for a value."""
    labels = torch.zeros(3, 8, 8, dtype=torch.long, device='meta')
    sums = semantic_sums(labels, labels, 71)
    assert sums['iou'].shape == (71,) and sums['iou'].device.type == 'meta'
    logits = torch.zeros(3, 8, 8, device='meta')
    sums = binary_sums(logits, labels)
    assert sums['f_curve'].shape == (255,)
    with pytest.raises(Exception, match='meta'):
        bool(logits.sum())  # that this would be noticed


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_a_gpu_gives_the_same_and_is_not_waited_for():
    # probabilities, since a GPU's sigmoid may differ in its last bit
    probability = torch.rand(5, 224, 224)
    target = torch.randint(0, 2, (5, 224, 224))
    labels = torch.randint(0, 71, (10, 224, 224))
    truth = torch.randint(0, 71, (10, 224, 224))
    expected = (
        binary_sums(probability, target, from_logits=False),
        semantic_sums(labels, truth, 71),
    )
    inputs = [x.cuda() for x in (probability, target, labels, truth)]
    binary_sums(*inputs[:2])  # thresholds travel once
    torch.cuda.set_sync_debug_mode('error')
    try:
        found = (
            binary_sums(*inputs[:2], from_logits=False),
            semantic_sums(*inputs[2:], 71),
        )
    finally:
        torch.cuda.set_sync_debug_mode('default')
    for ours, theirs in zip(found, expected):
        for key in theirs:
            assert torch.allclose(
                ours[key].cpu().double(), theirs[key].double(), atol=1e-9
            ), key

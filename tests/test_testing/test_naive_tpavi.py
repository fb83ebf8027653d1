"""The textbook form computes the same as the one that is used."""

import pytest
import torch
from torch import nn

from mmavs.analysis.naive import NaiveTPAVIBlock, naive_copy
from mmavs.models.necks import TPAVI
from mmavs.models.necks.tpavi import TPAVIBlock
from mmavs.structures import AVFeatures


@pytest.mark.parametrize('mode', ['audio-visual', 'visual-visual', 'both'])
def test_same_result_and_gradients(mode):
    neck = TPAVI([8, 8], 12, mode=mode, norm_cfg=None).double()
    naive, changed = naive_copy(neck)
    assert changed == ['blocks.0', 'blocks.1']
    visual = tuple(
        torch.randn(10, 8, *size, dtype=torch.float64)
        for size in ((6, 5), (3, 2))
    )
    features = AVFeatures(visual, torch.randn(10, 12, dtype=torch.float64))
    fused = [n(features._replace(num_frames=5)).visual for n in (neck, naive)]
    for fast, slow in zip(*fused):
        torch.testing.assert_close(fast, slow)
        fast.pow(2).sum().backward()
        slow.pow(2).sum().backward()
    for fast, slow in zip(neck.parameters(), naive.parameters()):
        torch.testing.assert_close(fast.grad, slow.grad)


def test_the_model_is_left_as_it_is():
    model = nn.Sequential(TPAVI([8], 12))
    naive, changed = naive_copy(model)
    assert changed == ['0.blocks.0']
    ours, theirs = model[0].blocks['0'], naive[0].blocks['0']
    assert type(ours) is TPAVIBlock and type(theirs) is NaiveTPAVIBlock
    assert ours.rho.weight is not theirs.rho.weight

"""Structure loss against the released code and its formula."""

import pytest
import torch

from mmavs.models.losses import StructureLoss
from mmavs.models.losses.frame_losses import boundary_weight
from mmavs.testing.golden import assert_close, load_arrays, load_json


def golden_inputs():
    arrays = load_arrays('avsbg_units')
    logits = torch.from_numpy(arrays['loss_pred']).requires_grad_()
    return logits, torch.from_numpy(arrays['loss_gt'][:, 0]).long(), arrays


@pytest.mark.parametrize('setting, step', [('ms3', 1), ('s4', 5)])
def test_golden(setting, step):
    logits, target, arrays = golden_inputs()
    loss = StructureLoss()(logits[::step], target[::step])
    expected = load_json('avsbg_units')[f'structure_loss_{setting}']
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert_close(logits.grad, arrays[f'structure_{setting}_grad'])


def test_golden_weighted_form():
    logits, target, _ = golden_inputs()
    parts = load_json('avsbg_units')['structure_loss_decomposition_ms3']
    expected = parts['weighted_bce_if_reduction_were_none']
    expected += parts['weighted_iou']
    loss = StructureLoss(weighted_bce=True)(logits.detach(), target)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_hand_computed():
    # 1 x 2 pixels, mask (1, 0): the window holds both and 31 * 31 - 2 zeros
    # of padding, so w = 1 + 5 * (960 / 961, 1 / 961)
    logits = torch.tensor([0.0, 0.0]).view(1, 1, 1, 2)
    target = torch.tensor([[[1, 0]]])
    w = torch.tensor([1 + 5 * 960 / 961, 1 + 5 / 961])
    assert torch.allclose(boundary_weight(target.float())[0, 0], w)
    overlap, union = 0.5 * w[0], w[0] + 0.5 * w[1]
    expected = 0.6931472 + 1 - (overlap + 1) / (union + 1)
    loss = StructureLoss()(logits, target)
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize('weighted', [False, True])
def test_ignored_pixels_do_not_count(weighted):
    loss = StructureLoss(weighted_bce=weighted)
    logits, target = torch.randn(2, 1, 8, 8), torch.zeros(2, 8, 8).long()
    target[:, 2:4, 2:4] = 1
    target[:, 6:] = 255
    before = loss(logits, target)
    logits[:, :, 6:] += torch.randn(2, 1, 2, 8)
    assert torch.equal(loss(logits, target), before)
    ignored = torch.full((1, 8, 8), 255)
    more = loss(torch.cat([logits, logits[:1]]), torch.cat([target, ignored]))
    assert torch.allclose(more, before)


@pytest.mark.parametrize('num_frames', [0, 2])
def test_nothing_labelled_is_zero_with_a_graph(num_frames):
    logits = torch.randn(num_frames, 1, 4, 4, requires_grad=True)
    loss = StructureLoss()(logits, torch.full((num_frames, 4, 4), 255))
    loss.backward()
    assert float(loss.detach()) == 0 and logits.grad.abs().sum() == 0


def test_any_class_sounds_and_several_channels_are_refused():
    logits = torch.randn(1, 1, 6, 6)
    target = torch.randint(0, 2, (1, 6, 6))
    assert torch.equal(
        StructureLoss()(logits, target), StructureLoss()(logits, 7 * target)
    )
    with pytest.raises(ValueError, match='StructureLoss compares one channel'):
        StructureLoss()(torch.randn(1, 2, 6, 6), target)

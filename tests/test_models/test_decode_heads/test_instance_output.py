"""Instances as they are given out, and the masks they make."""

import pytest
import torch
from small_instance_head import CATEGORIES, STAGE_2, build, instances

from mmavs.models.decode_heads.write_maps import HowToWrite
from mmavs.models.layers.avsc import Instances
from mmavs.structures import (
    AVHeadOutput,
    AVSDataSample,
)


def how(eval_size, kept=False):
    return HowToWrite((16, 16), eval_size, kept, threshold=0.5)


def test_written_instances():
    head = build()
    output = AVHeadOutput(
        torch.zeros(2, 1, 4, 4),
        None,
        dict(
            instances=Instances(
                torch.tensor([[0, 2], [1, 0]]),
                torch.tensor([[0.6, 0.7], [0.8, 0.0]]),
                instances([0.6, 0.7]).mask_logits.expand(2, -1, -1, -1),
                torch.tensor([[True, True], [True, False]]),
            ),
            sounding=torch.tensor([[0.9, 0.1], [0.4, 0.0]]),
        ),
    )
    sample = AVSDataSample(
        metainfo=dict(
            num_frames=2,
            img_shape=(16, 16),
            ori_shape=(32, 32),
            flip=True,
            flip_direction='horizontal',
        )
    )
    for eval_size, side in (('input', 16), ('original', 32)):
        head.write_predictions(output, [sample], how(eval_size))
        first, second = sample.pred_instances
        assert first.masks.shape == (2, side, side)
        assert first.masks.dtype == torch.bool
        assert first.labels.tolist() == [0, 2]
        assert first.scores.tolist() == pytest.approx([0.6, 0.7])
        assert first.sounding_probs.tolist() == pytest.approx([0.9, 0.1])
        assert len(second) == 1
        # the flip is undone: the dog is on the right
        assert bool(first.masks[0, :, side // 2 + 2 :].all())
        assert not bool(first.masks[0, :, : side // 2 - 2].any())
    assert sample.categories == CATEGORIES
    # an object without a pixel is none
    empty = output.extras['instances']
    output.extras['instances'] = empty._replace(
        mask_logits=torch.full_like(empty.mask_logits, -1.0)
    )
    head.write_predictions(output, [sample], how('input'))
    assert [len(found) for found in sample.pred_instances] == [0, 0]


@pytest.mark.parametrize('kept', [True, False])
def test_masks_are_painted_at_the_size_they_are_given_out(kept):
    """However little above the threshold: 0.52 must not shrink a mask."""
    head = build(**STAGE_2)
    found = instances([0.6, 0.7])
    output = AVHeadOutput(
        None, None, dict(instances=found, sounding=torch.tensor([[0.52, 0.3]]))
    )
    sample = AVSDataSample(
        metainfo=dict(num_frames=1, img_shape=(16, 16), ori_shape=(40, 36))
    )
    head.write_predictions(output, [sample], how('original', kept))
    first, second = sample.pred_instances[0].masks
    assert first.any() and second.any() and not (first & second).all()
    decided = sample.pred_sem_seg.data
    assert decided.dtype == torch.int64
    assert torch.equal(decided, first[None, None].long())
    assert ('seg_logits' in sample) == kept
    if kept:
        expected = torch.where(second, 0.3, 0.0).where(~first, 0.52)
        torch.testing.assert_close(
            sample.seg_logits.data.sigmoid()[0, 0],
            expected,
            rtol=0,
            atol=1e-5,
        )
    # nothing found, nothing sounds
    empty = found._replace(mask_logits=torch.full((1, 2, 4, 4), -1.0))
    output.extras['instances'] = empty
    head.write_predictions(output, [sample], how('original', kept))
    assert not sample.pred_sem_seg.data.any()

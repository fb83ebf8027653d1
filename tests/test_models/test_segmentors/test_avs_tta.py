"""AVSTTAModel: means of probabilities, geometry, what it writes back."""

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.model import BaseModule

from mmavs.evaluation import AVSMetric
from mmavs.models import AVSDecodeHead
from mmavs.registry import MODELS, TRANSFORMS
from mmavs.structures import AVHeadOutput, AVSDataSample, FramePixelData


@MODELS.register_module(force=True)
class _RampBackbone(BaseModule):
    """Adds a left-to-right ramp, so that a flipped input answers otherwise."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, imgs):
        ramp = torch.linspace(0, 1, imgs.shape[-1])
        return (imgs * self.scale + ramp,)


@MODELS.register_module(force=True)
class _FirstChannelsHead(AVSDecodeHead):
    """logits = the first K channels."""

    def forward(self, features):
        return AVHeadOutput(
            features.visual[0][:, : self.out_channels], features
        )


def build(num_classes=2, out_channels=1, **test_cfg):
    return MODELS.build(
        dict(
            type='AVSTTAModel',
            module=dict(
                type='AVSegmentor',
                backbone=dict(type='_RampBackbone'),
                decode_head=dict(
                    type='_FirstChannelsHead',
                    num_classes=num_classes,
                    out_channels=out_channels,
                    loss_decode=[],
                ),
                data_preprocessor=dict(
                    type='AVSDataPreProcessor',
                    mean=[0, 0, 0],
                    std=[1, 1, 1],
                    bgr_to_rgb=False,
                ),
                test_cfg=dict(eval_size='input', **test_cfg),
            ),
        )
    )


def clip(logits, **meta):
    """A predicted clip (T, K, H, W)."""
    size = tuple(logits.shape[-2:])
    sample = AVSDataSample(
        metainfo=dict(
            clip_id='c', num_frames=len(logits), ori_shape=size, **meta
        )
    )
    sample.seg_logits = FramePixelData(data=logits)
    return sample


def logit(*values):
    return torch.logit(torch.tensor(values)).view(1, 1, 1, -1)


def test_mean_of_probabilities_by_hand():
    samples = clip(logit(0.9, 0.6, 0.2)), clip(logit(0.2, 0.6, 0.6))
    (merged,) = build().merge_preds([samples])
    # sigmoid once: 0.55, 0.6, 0.4 (twice would put all above 0.5)
    mean = merged.seg_logits.data.sigmoid().flatten()
    assert mean.tolist() == pytest.approx([0.55, 0.6, 0.4], abs=1e-6)
    assert merged.pred_sem_seg.data.flatten().tolist() == [1, 1, 0]
    assert merged.pred_sem_seg.data.shape == (1, 1, 1, 3)


def test_certain_pixels_stay_certain_and_finite():
    samples = clip(torch.tensor([[[[200.0, -200.0]]]])), clip(logit(1.0, 0.0))
    (merged,) = build().merge_preds([samples])
    assert merged.seg_logits.data.isfinite().all()
    assert merged.seg_logits.data.sigmoid().flatten()[0] == 1
    assert merged.seg_logits.data.sigmoid().flatten()[1] < 1e-38


def test_classes_are_averaged_after_their_softmax():
    one = torch.tensor([4.0, 0.0, 3.0]).view(1, 3, 1, 1)
    two = torch.tensor([0.0, 1.0, 3.5]).view(1, 3, 1, 1)
    model = build(num_classes=3, out_channels=3)
    (merged,) = model.merge_preds([(clip(one), clip(two))])
    mean = (one.softmax(1) + two.softmax(1)) / 2
    assert merged.pred_sem_seg.data.item() == mean.argmax()
    # K classes are not kept unless asked for
    assert 'seg_logits' not in merged
    model = build(num_classes=3, out_channels=3, keep_logits=True)
    (merged,) = model.merge_preds([(clip(one), clip(two))])
    assert torch.allclose(merged.seg_logits.data.softmax(1), mean)


def test_scales_end_at_the_size_of_the_first():
    samples = clip(torch.zeros(2, 1, 4, 6)), clip(torch.ones(2, 1, 8, 9))
    (merged,) = build().merge_preds([samples])
    assert merged.seg_logits.data.shape == (2, 1, 4, 6)
    expected = (0.5 + torch.ones(1).sigmoid().item()) / 2
    found = merged.seg_logits.data.sigmoid()
    assert found.flatten().tolist() == pytest.approx([expected] * 48)


def test_a_flipped_first_augmentation_is_refused():
    samples = (clip(logit(0.5), flip=True, flip_direction='horizontal'),)
    with pytest.raises(ValueError, match=r'clip c: .*RandomFlip\(prob=0\.\)'):
        build().merge_preds([samples])


def results(seed):
    """What a dataset gives after loading: two 4x6 frames with masks."""
    rng = np.random.RandomState(seed)
    frames = [
        dict(
            img=rng.randint(0, 3, (4, 6, 3), np.uint8),
            gt_seg_map=rng.randint(0, 2, (4, 6), np.uint8),
            seg_fields=['gt_seg_map'],
            img_path='',
            img_shape=(4, 6),
            ori_shape=(4, 6),
            frame_id=t,
        )
        for t in range(2)
    ]
    return dict(
        clip_id=f'clip{seed}',
        sample_idx=seed,
        num_frames=2,
        labeled_frames=[0, 1],
        frames=frames,
    )


def for_each(**transform):
    return dict(type='ForEachFrame', transforms=[transform])


@torch.no_grad()
def test_a_pipeline_of_flips_and_scales_from_end_to_end():
    flips = [for_each(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)]
    scales = [for_each(type='Resize', scale=side) for side in ((6, 4), (9, 6))]
    augment = TRANSFORMS.build(
        dict(
            type='TestTimeAug',
            transforms=[scales, flips, [dict(type='PackAVSInputs')]],
        )
    )
    model = build().eval()
    batch = pseudo_collate([augment(results(i)) for i in range(2)])
    merged = model.test_step(batch)
    assert [sample.clip_id for sample in merged] == ['clip0', 'clip1']
    for i, sample in enumerate(merged):
        truth = np.stack([f['gt_seg_map'] for f in results(i)['frames']])
        assert np.array_equal(sample.gt_sem_seg.data[:, 0].numpy(), truth)
    # the plain size alone, by hand: both directions meet the same ramp
    img = torch.tensor(results(0)['frames'][0]['img'][..., 0]).float()
    ramp = torch.linspace(0, 1, 6)
    expected = ((img + ramp).sigmoid() + (img + ramp.flip(0)).sigmoid()) / 2
    augment = TRANSFORMS.build(
        dict(
            type='TestTimeAug',
            transforms=[flips, [dict(type='PackAVSInputs')]],
        )
    )
    (merged,) = model.test_step(pseudo_collate([augment(results(0))]))
    found = merged.seg_logits.data[0, 0].sigmoid()
    assert torch.allclose(found, expected, atol=1e-6)
    metric = AVSMetric()
    metric.process(None, [merged.to_dict()])
    assert metric.compute_metrics(metric.results)['mIoU'] > 0

import numpy as np
import pytest
import torch
from torch import nn

from mmavs.analysis.modality_share import final_feature, measure_share
from mmavs.models.data_preprocessor import AVSDataPreProcessor
from mmavs.structures import AVSDataSample


class Mixed(nn.Module):
    """Feature = sight_weight * mean pixel + sound_weight * sound."""

    def __init__(self, sight_weight, sound_weight, num_frames=None):
        super().__init__()
        self.data_preprocessor = AVSDataPreProcessor(
            mean=[0.0] * 3, std=[1.0] * 3, num_frames=num_frames
        )
        self.sight_weight, self.sound_weight = sight_weight, sound_weight
        self.conv_seg = nn.Conv2d(2, 1, 1)

    def forward(self, inputs):
        sight = inputs['imgs'].flatten(0, 1).mean((1, 2, 3))
        sound = inputs['audio'].flatten(0, 1)[:, 0]
        feature = torch.stack(
            [self.sight_weight * sight, self.sound_weight * sound], dim=1
        )
        return self.conv_seg(feature[..., None, None] + 7)


def clip(sight, sound, num_frames=2):
    sample = AVSDataSample(metainfo=dict(num_frames=num_frames))
    return dict(
        inputs=dict(
            imgs=torch.full((num_frames, 3, 4, 4), sight, dtype=torch.uint8),
            audio=torch.full((num_frames, 1), float(sound)),
        ),
        data_samples=sample,
    )


CLIPS = [clip(10, 0), clip(20, 3), clip(10, 3), clip(0, 9)]


def test_hand_computed_share():
    """Two clips: sight differs by 10, sound by 3, weights 1 and 2."""
    share = measure_share(Mixed(1.0, 2.0), CLIPS[:2])
    assert share.sound == pytest.approx(6**2 / (6**2 + 10**2))
    assert share.num_clips == 2


@pytest.mark.parametrize(
    'weights, expected', [((1.0, 0.0), 0.0), ((0.0, 1.0), 1.0)]
)
def test_deaf_and_blind_models_are_at_the_ends(weights, expected):
    share = measure_share(Mixed(*weights), CLIPS)
    assert (share.sound, share.low, share.high) == (expected,) * 3


def test_scale_and_offset_change_nothing():
    one = measure_share(Mixed(1.0, 2.0), CLIPS)
    tenfold = measure_share(Mixed(10.0, 20.0), CLIPS)
    assert one.sound == pytest.approx(tenfold.sound)
    assert one.low <= one.sound <= one.high


def test_padded_frames_are_left_out():
    """What a short clip lacks is not an effect of its partner."""
    model = Mixed(1.0, 2.0, num_frames=4)
    long = [clip(10, 0, 2), clip(20, 3, 4)]
    assert measure_share(model, long).sound == pytest.approx(36 / 136)


def test_num_clips_and_seed():
    few = measure_share(Mixed(1.0, 2.0), CLIPS, num_clips=3)
    assert few.num_clips == 3
    again = measure_share(Mixed(1.0, 2.0), CLIPS, num_clips=3)
    assert few == again


def test_layers_that_run_frame_by_frame_are_put_together():
    model = nn.Sequential()
    model.add_module('conv_seg', nn.Identity())
    with final_feature(model) as caught:
        for value in (1.0, 2.0):
            model(torch.full((1, 1, 2, 2), value))
    assert np.array_equal(torch.cat(caught)[:, 0, 0, 0], [1, 2])
    model(torch.zeros(1))
    assert len(caught) == 2  # the hook is gone


def test_errors():
    model = Mixed(1.0, 2.0)
    with pytest.raises(ValueError, match='at least two'):
        measure_share(model, CLIPS[:1])
    with pytest.raises(ValueError, match="no layer 'neck.9'"):
        measure_share(model, CLIPS, layer='neck.9')
    with pytest.raises(ValueError, match='layer is constant'):
        measure_share(Mixed(0.0, 0.0), CLIPS)

import pytest
import torch

from mmavs.models import AVSDataPreProcessor
from mmavs.structures import AVSDataSample, FramePixelData


def sample(num_frames, size=(4, 4)):
    result = AVSDataSample(
        metainfo=dict(num_frames=num_frames, img_shape=size, ori_shape=size)
    )
    result.gt_sem_seg = FramePixelData(
        data=torch.ones(num_frames, 1, *size, dtype=torch.long)
    )
    return result


def frames(num_frames, size=(4, 4), value=0):
    return torch.full((num_frames, 3, *size), value, dtype=torch.uint8)


def test_normalises_as_rgb():
    processor = AVSDataPreProcessor(mean=(1, 2, 3), std=(1, 2, 4))
    bgr = torch.tensor([30, 20, 10], dtype=torch.uint8).view(1, 3, 1, 1)
    out = processor(dict(inputs=dict(imgs=[bgr])))['inputs']
    assert out['imgs'].flatten().tolist() == [9.0, 9.0, 6.75]
    assert 'valid_frames' not in out


def test_pads_time_with_zeros_and_says_so():
    processor = AVSDataPreProcessor(num_frames=4)
    data = dict(
        inputs=dict(
            imgs=[frames(2, value=200), frames(4, value=200)],
            audio=[torch.ones(2, 1, 3, 2), torch.ones(4, 1, 3, 2)],
        )
    )
    out = processor(data)['inputs']
    assert out['imgs'].shape == (2, 4, 3, 4, 4)
    assert out['imgs'][0, 2:].abs().sum() == 0
    assert out['imgs'][0, :2].abs().min() > 0
    assert out['audio'][0, 2:].abs().sum() == 0
    assert out['valid_frames'].tolist() == [
        [True, True, False, False],
        [True] * 4,
    ]


def test_pads_size_and_labels_for_training():
    processor = AVSDataPreProcessor(size_divisor=8)
    clip = sample(1, (4, 6))
    out = processor(
        dict(inputs=dict(imgs=[frames(1, (4, 6))]), data_samples=[clip]),
        training=True,
    )
    assert out['inputs']['imgs'].shape == (1, 1, 3, 8, 8)
    gt = out['data_samples'][0].gt_sem_seg.data
    assert gt.shape == (1, 1, 8, 8)
    assert (gt == 255).sum() == 64 - 24
    assert out['data_samples'][0].pad_shape == (8, 8)


def test_a_clip_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match='clip of 3 frames.*num_frames=2'):
        AVSDataPreProcessor(num_frames=2)(dict(inputs=dict(imgs=[frames(3)])))


def test_front_end_runs_on_real_frames_only():
    processor = AVSDataPreProcessor(
        num_frames=3, audio_front_end=dict(type='VGGishLogMelFrontEnd')
    )
    sounds = [torch.randn(2, 15600) * 0.1, torch.zeros(3, 15600)]
    data = dict(inputs=dict(imgs=[frames(2), frames(3)], audio=sounds))
    audio = processor(data)['inputs']['audio']
    assert audio.shape == (2, 3, 1, 96, 64)
    assert audio[0, 2].abs().max() == 0  # padding
    silence = torch.tensor(0.01).log()
    torch.testing.assert_close(audio[1], silence.expand(3, 1, 96, 64))
    expected = processor.audio_front_end(sounds[0])
    assert torch.equal(audio[0, :2], expected)

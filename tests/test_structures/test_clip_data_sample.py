import pytest
import torch

from mmavs.structures import AVFeatures, AVSDataSample, FramePixelData


def clip(num_frames=3):
    sample = AVSDataSample(
        metainfo=dict(
            clip_id='a',
            num_frames=num_frames,
            img_path=[f'{t}.png' for t in range(num_frames)],
            labeled_frames=[0],
        )
    )
    data = torch.arange(num_frames).view(-1, 1, 1, 1).expand(-1, 1, 4, 6)
    sample.gt_sem_seg = FramePixelData(data=data.clone())
    return sample


def test_frames_are_ordinary_samples_that_share_memory():
    sample = clip()
    frames = sample.frames()
    assert [f.img_path for f in frames] == ['0.png', '1.png', '2.png']
    assert [f.frame_id for f in frames] == [0, 1, 2]
    assert frames[2].gt_sem_seg.data.shape == (1, 4, 6)
    frames[1].gt_sem_seg.data.fill_(7)
    assert bool((sample.gt_sem_seg.data[1] == 7).all())
    assert bool((sample.gt_sem_seg.data[2] == 2).all())


def test_to_dict_and_device_reach_the_data():
    sample = clip().to('cpu').numpy()
    assert sample.to_dict()['gt_sem_seg']['data'].shape == (3, 1, 4, 6)
    assert sample.gt_sem_seg.shape == (4, 6)


@pytest.mark.parametrize('shape', [(1, 4, 4), (4, 4)])
def test_pixel_data_of_a_clip_has_four_dimensions(shape):
    with pytest.raises(ValueError, match=r'must be \(T, C, H, W\)'):
        FramePixelData(data=torch.zeros(shape))


def test_mask_padding_zeroes_padded_frames_only():
    features = AVFeatures((), valid=torch.tensor([True, False]))
    masked = features.mask_padding(torch.ones(2, 3, 2, 2))
    assert masked[0].sum() == 12 and masked[1].abs().sum() == 0
    whole = AVFeatures(()).mask_padding(torch.ones(2, 1))
    assert whole.sum() == 2

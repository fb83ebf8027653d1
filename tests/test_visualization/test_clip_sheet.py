import numpy as np
import pytest
import torch

from mmavs.structures import AVSDataSample, FramePixelData
from mmavs.visualization import AVSLocalVisualizer, clip_sheet, overlay
from mmavs.visualization.sheets import log_mel_strip

PALETTE = [(0, 0, 0), (255, 0, 0)]


def test_overlay_paints_classes_only():
    image = np.full((8, 8, 3), 100, np.uint8)
    mask = np.zeros((8, 8), np.int64)
    mask[2:6, 2:6] = 1
    mask[7] = 255
    result = overlay(image, mask, PALETTE, alpha=0.5)
    assert result[4, 4].tolist() == [178, 50, 50]  # (100+255)/2, 100/2
    assert result[0, 0].tolist() == [100] * 3
    assert result[7, 0].tolist() == [100] * 3
    with pytest.raises(ValueError, match='label 2 has no colour'):
        overlay(image, mask.clip(0, 1) * 2, PALETTE)


def test_log_mel_strip_has_low_bands_at_the_bottom():
    log_mel = np.full((96, 64), -4.6)
    log_mel[:, :8] = 2.5  # loud and low
    strip = log_mel_strip(log_mel, 96, 64).astype(int).sum(-1)
    assert strip[-4:].min() > strip[:32].max()


def test_sheet_has_a_column_a_frame_and_a_row_a_thing():
    images = [np.zeros((64, 128, 3), np.uint8)] * 5
    masks = np.zeros((5, 64, 128), np.int64)
    bare = clip_sheet(images, PALETTE)
    full = clip_sheet(
        images, PALETTE, masks, masks, np.zeros((5, 96, 64)), title='clip'
    )
    assert bare.shape[1] == 5 * 128 + 4 * 4
    assert full.shape[1] == bare.shape[1]
    assert full.shape[0] == 18 + 4 * 18 + 3 * (64 + 4) + (64 + 4)


def test_visualizer_writes_a_clip(tmp_path):
    sample = AVSDataSample(metainfo=dict(num_frames=2, img_path=['a', 'b']))
    sample.gt_sem_seg = FramePixelData(data=torch.full((2, 1, 8, 8), 255))
    sample.pred_sem_seg = FramePixelData(data=torch.ones(2, 1, 8, 8).long())
    visualizer = AVSLocalVisualizer()
    images = [np.zeros((8, 8, 3), np.uint8)] * 2
    out = tmp_path / 'deep' / 'clip.png'
    picture = visualizer.add_clip('c', images, sample, out_file=str(out))
    assert out.stat().st_size > 0
    prediction = picture[-(128 + 4) + 64, 64].tolist()
    assert prediction[0] > 150 > prediction[1]  # the default red

"""What AVSInferencer refuses."""

import cv2
import numpy as np
import pytest
import torch
from noise_video import noise_video

from mmavs.apis import AVSInferencer


def test_input_errors(binary_model, tmp_path):
    inferencer = AVSInferencer(binary_model)
    with pytest.raises(FileNotFoundError, match='nowhere.mp4'):
        inferencer(tmp_path / 'nowhere.mp4')
    short = noise_video(tmp_path / 'short.mp4', 0.4, fps=10)
    with pytest.raises(ValueError, match='short.mp4 is too short'):
        inferencer(short, progress=False)
    cv2.imwrite(str(tmp_path / '1.png'), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match='comes without sound'):
        inferencer([tmp_path / '1.png'], progress=False)


@pytest.mark.parametrize('name', ['fps', 'clip_frames', 'max_size'])
def test_numbers_out_of_range(binary_model, name):
    with pytest.raises(ValueError, match=f'{name} must be .* got 0'):
        AVSInferencer(binary_model, **{name: 0})
    with pytest.raises(ValueError, match='opacity must be in 0..1, got 5'):
        AVSInferencer(binary_model)('in.mp4', opacity=5)


def test_weights_are_needed(binary_model, binary_weights, tmp_path):
    with pytest.raises(ValueError, match='no weights were given for add_'):
        AVSInferencer('add_tiny_ms3')
    path = tmp_path / 'w.pth'
    torch.save(dict(state_dict=binary_weights), path)
    inferencer = AVSInferencer('film_tiny_ms3', path, device='cpu')
    assert inferencer.weights == str(path)
    with pytest.raises(ValueError, match='give them to init_model'):
        AVSInferencer(binary_model, weights=path)
    with pytest.raises(ValueError, match='fps must be a whole number'):
        AVSInferencer(binary_model, fps=0.5)

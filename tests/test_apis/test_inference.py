"""One clip from files or memory gives what a test on the data set gives."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmavs.apis import inference_model
from mmavs.apis.clip_pipeline import ClipPipeline
from mmavs.audio import read_wav
from mmavs.registry import DATASETS
from mmavs.utils import register_all_modules


@pytest.fixture
def clip(config, tiny_ms3):
    """A clip of the data set, and the data set."""
    register_all_modules()
    loader = config.test_dataloader.dataset
    loader.update(data_root=str(tiny_ms3))
    dataset = DATASETS.build(loader)
    return dataset, dataset.get_data_info(1)


def test_same_as_a_test_on_the_data_set(binary_model, clip):
    dataset, info = clip
    with torch.no_grad():
        expected = binary_model.test_step(pseudo_collate([dataset[1]]))[0]
    share = expected.pred_sem_seg.data.float().mean()
    assert 0.02 < share < 0.98
    paths = [frame['img_path'] for frame in info['frames']]
    arrays = [cv2.imread(path) for path in paths]
    sounds = (info['audio_path'], read_wav(info['audio_path']))
    for frames in (paths, arrays):
        for sound in sounds:
            found = inference_model(binary_model, frames, sound)
            assert torch.equal(
                found.pred_sem_seg.data, expected.pred_sem_seg.data
            )
            assert torch.equal(found.seg_logits.data, expected.seg_logits.data)
    assert found.num_frames == 5
    assert found.pred_sem_seg.data.shape == (5, 1, 64, 64)


def test_folder_of_frames(binary_model, clip, tmp_path):
    _, info = clip
    paths = [frame['img_path'] for frame in info['frames']]
    for number, path in zip((1, 2, 3, 10, 20), paths):
        image = cv2.imread(path)
        cv2.imwrite(str(tmp_path / f'{number}.png'), image)
    found = inference_model(binary_model, tmp_path, info['audio_path'])
    listed = inference_model(binary_model, paths, info['audio_path'])
    assert torch.equal(found.pred_sem_seg.data, listed.pred_sem_seg.data)


def test_any_number_and_size_of_frames(binary_model):
    waveform = torch.rand(48000) - 0.5
    frames = [np.full((50, 90, 3), 80, np.uint8)] * 3
    found = inference_model(binary_model, frames, (waveform, 16000))
    assert found.pred_sem_seg.data.shape == (3, 1, 50, 90)
    one = inference_model(binary_model, frames[:1], (waveform, 16000))
    assert one.pred_sem_seg.data.shape == (1, 1, 50, 90)


def test_model_without_sound_needs_none(deaf_model):
    frames = [np.zeros((40, 40, 3), np.uint8)] * 2
    found = inference_model(deaf_model, frames)
    assert found.pred_sem_seg.data.shape == (2, 1, 40, 40)


def test_errors(binary_model, tmp_path):
    frames = [np.zeros((40, 40, 3), np.uint8)] * 5
    sound = torch.zeros(80000), 16000
    with pytest.raises(ValueError, match='got no sound'):
        inference_model(binary_model, frames)
    with pytest.raises(ValueError, match='at least one picture'):
        inference_model(binary_model, [], sound)
    with pytest.raises(ValueError, match='uint8 in BGR order'):
        inference_model(binary_model, [np.zeros((40, 40, 3))], sound)
    with pytest.raises(ValueError, match='no picture in'):
        inference_model(binary_model, tmp_path, sound)
    with pytest.raises(FileNotFoundError, match='folder of frames'):
        inference_model(binary_model, tmp_path / 'absent', sound)
    with pytest.raises(ValueError, match='the sound of clip holds no samples'):
        inference_model(binary_model, frames, (torch.zeros(0), 16000))
    with pytest.raises(ValueError, match='the sound lasts for 2 of 5'):
        inference_model(binary_model, frames, (torch.zeros(32000), 16000))


def test_pipeline_needs_sound_that_every_clip_has(config):
    steps = config.test_dataloader.dataset.pipeline
    steps[1] = dict(type='LoadReleasedLogMel')
    with pytest.raises(ValueError, match='use LoadAudio and VGGishLogMel'):
        ClipPipeline(config)
    config.pop('test_dataloader')
    config.pop('test_pipeline')
    with pytest.raises(ValueError, match='neither a test_dataloader'):
        ClipPipeline(config)

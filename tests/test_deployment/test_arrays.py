"""What runs without torch gives the figures of what runs with it."""

import cv2
import mmcv
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pycocotools import mask as coco

from mmavs.audio import arrays, log_mel, resampling
from mmavs.audio.log_mel import vggish_log_mel
from mmavs.media.resizing import resize_maps, resize_picture
from mmavs.media.run_lengths import box_of, encode


def sound(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize('rate', [44100, 48000, 22050, 11025])
def test_resampling(rate):
    waveform = sound(2, rate // 2)
    wanted = resampling.resample(torch.from_numpy(waveform), rate, 16000)
    found = arrays.resample(waveform, rate, 16000)
    assert found.shape == wanted.shape and found.dtype == np.float32
    assert np.abs(found - wanted.numpy()).max() < 1e-5


def test_a_rate_that_no_sound_has_is_refused():
    with pytest.raises(ValueError, match='a sample rate of 3 Hz'):
        arrays.resample(sound(10), 3, 16000)


@pytest.mark.parametrize('scale', [1, 1e-3, 0])
def test_log_mel(scale):
    waveform = scale * sound(3 * 16000)
    wanted = vggish_log_mel(torch.from_numpy(waveform), 16000)
    pieces = arrays.cut_examples(waveform, 3, 15360)
    found = arrays.log_mel(pieces)[:, None]
    assert found.shape == wanted.shape == (3, 1, 96, 64)
    assert np.abs(found - wanted.numpy()).max() < 1e-5


def test_constants_are_those_of_the_front_end():
    for name in (
        *('SAMPLE_RATE', 'WINDOW_LENGTH', 'HOP_LENGTH', 'FFT_LENGTH'),
        *('EXAMPLE_FRAMES', 'NUM_MEL_BINS', 'EXAMPLE_LENGTH', 'LOG_OFFSET'),
        *('MIN_HZ', 'MAX_HZ'),
    ):
        assert getattr(arrays, name) == getattr(log_mel, name), name


def test_pieces_of_sound():
    waveform = np.arange(3 * 16000)
    pieces = arrays.cut_examples(np.stack([waveform, -waveform]), 3, 16000)
    assert pieces.shape == (3, 2, 15600)
    assert pieces[:, 0, 0].tolist() == [0, 16000, 32000]
    with pytest.raises(ValueError, match='too few for 3 frames'):
        arrays.cut_examples(waveform[:16000], 3, 16000)


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('interpolation', ['bilinear', 'bicubic'])
@pytest.mark.parametrize('size', [(20, 31), (90, 130)])
def test_pictures(backend, interpolation, size):
    image = np.random.default_rng(0).integers(0, 256, (47, 60, 3), np.uint8)
    wanted = mmcv.imresize(
        image, size[::-1], backend=backend, interpolation=interpolation
    )
    found = resize_picture(image, size, backend, interpolation)
    apart = np.abs(found.astype(int) - wanted.astype(int)).max()
    assert found.shape == wanted.shape
    assert apart <= (backend == 'cv2')  # which computes in whole numbers


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size', [(5, 9), (40, 33)])
def test_maps(align_corners, size):
    maps = sound(2, 12, 10)
    wanted = F.interpolate(
        torch.from_numpy(maps)[None],
        size,
        mode='bilinear',
        align_corners=align_corners,
    )[0]
    found = resize_maps(maps, size, align_corners)
    assert np.abs(found - wanted.numpy()).max() < 1e-5


@pytest.mark.parametrize('kind', ['noise', 'disk', 'empty', 'full', 'corner'])
def test_run_lengths(kind):
    mask = np.zeros((300, 401), np.uint8)
    if kind == 'noise':
        mask = np.random.default_rng(0).integers(0, 2, mask.shape, np.uint8)
    elif kind == 'disk':
        cv2.circle(mask, (200, 140), 77, 1, -1)
    elif kind == 'full':
        mask[:] = 1
    elif kind == 'corner':
        mask[0, 0] = 1
    wanted = coco.encode(np.asfortranarray(mask))
    assert encode(mask) == wanted['counts'].decode('ascii')
    assert box_of(mask) == [int(n) for n in coco.toBbox(wanted)]

"""Pictures and sound from memory: one kind, or one clear error."""

from pathlib import Path

import numpy as np
import pytest
import torch
from noise_video import noise_video
from PIL import Image

from mmavs.apis import AVSInferencer, inference_model, init_model
from mmavs.media.in_memory import check_sound, list_pictures, to_bgr
from mmavs.testing.media import write_test_video

# (2, 3, 3) BGR: blue, green, red; black, white, grey
BGR = np.array(
    [
        [[255, 0, 0], [0, 255, 0], [0, 0, 255]],
        [[0, 0, 0], [255, 255, 255], [99, 99, 99]],
    ],
    np.uint8,
)
RGB = np.ascontiguousarray(BGR[..., ::-1])
GREY = BGR[1:]


@pytest.mark.parametrize(
    'picture, expected',
    [
        (BGR, BGR),
        (BGR[::-1, ::-1], BGR[::-1, ::-1]),
        (torch.from_numpy(RGB).permute(2, 0, 1), BGR),
        (Image.fromarray(RGB), BGR),
        (Image.fromarray(RGB).convert('RGBA'), BGR),
        (Image.fromarray(RGB).quantize(6), BGR),
        (Image.fromarray(GREY[..., 0]), GREY),
        (Image.fromarray(GREY[..., 0] > 99), [[[0] * 3, [255] * 3, [0] * 3]]),
    ],
)
def test_every_kind_becomes_bgr(picture, expected):
    found = to_bgr(picture)
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    assert np.array_equal(found, expected)


TENSOR = torch.from_numpy(RGB).permute(2, 0, 1)


@pytest.mark.parametrize(
    'picture, kind, message',
    [
        (BGR / 255, ValueError, r'float64.*\* 255\).round\(\).astype\(np.u'),
        (TENSOR / 255, ValueError, r'float32.*\* 255\).round\(\).to\(torch'),
        (
            BGR.astype(float),
            ValueError,
            'once its values are in 0..255',
        ),
        (BGR > 9, ValueError, 'bool; .*once its values are in 0..255'),
        (BGR.astype(np.uint16), ValueError, 'uint16; .*are in 0..255'),
        (
            np.dstack([BGR, GREY[[0, 0], :, 0]]),
            ValueError,
            r'\[..., :3\].*alp',
        ),
        (torch.cat([TENSOR, TENSOR[:1]]), ValueError, r'picture\[:3\].*alpha'),
        (BGR[..., 0], ValueError, r'\(2, 3\) uint8.*COLOR_GRAY2BGR'),
        (TENSOR[:1], ValueError, r'\(1, 2, 3\).*expand\(3'),
        (BGR[..., :2], ValueError, 'give its three colours'),
        (BGR[:0], ValueError, 'holds no pixel'),
        (BGR[None], ValueError, 'one by one'),
        (np.zeros((3, 8, 8), np.uint8), ValueError, r'transpose\(1, 2, 0\)'),
        (torch.zeros(8, 8, 3).byte(), ValueError, r'permute\(2, 0, 1\)'),
        (Image.new('I;16', (2, 2)), ValueError, 'mode I;16, of more than 8'),
        (Image.new('F', (2, 2)), ValueError, 'mode F, of more than 8 bits'),
        (None, TypeError, 'the third is of type NoneType; a picture is a fi'),
        (7, TypeError, 'is of type int'),
    ],
)
def test_what_is_not_a_picture_says_why(picture, kind, message):
    with pytest.raises(kind, match=message):
        to_bgr(picture, 'the third')


def test_a_truncated_file_opened_by_pillow(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / 'a.png')
    data = (tmp_path / 'a.png').read_bytes()
    (tmp_path / 'a.png').write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match='a picture cannot be read: .*trunc'):
        to_bgr(Image.open(tmp_path / 'a.png'))


@pytest.mark.parametrize(
    'frames, kind, message',
    [
        ([], ValueError, 'at least one picture, got none'),
        (iter(()), ValueError, 'at least one picture, got none'),
        (BGR, ValueError, r'got a single one. Fix: \[picture\]'),
        (TENSOR, ValueError, 'got a single one'),
        (Image.fromarray(RGB), ValueError, 'got a single one'),
        (None, TypeError, 'list of pictures, got NoneType'),
        (5, TypeError, 'list of pictures, got int'),
        ({'0.png': BGR}, TypeError, 'list of pictures, got dict'),
        ({'1.png', '0.png'}, TypeError, 'list of pictures, got set'),
    ],
)
def test_what_is_not_a_clip_says_why(frames, kind, message):
    with pytest.raises(kind, match=message):
        list_pictures(frames)


TONE = torch.sin(torch.arange(48000) / 20) / 2


@pytest.mark.parametrize(
    'sound',
    [
        (TONE, 16000),
        [TONE[None], 16000.0],
        (TONE.numpy(), np.int64(16000)),
        (TONE.double(), torch.tensor(16000)),
    ],
)
def test_waveforms_of_every_kind(sound):
    waveform, rate = check_sound(sound)
    assert rate == 16000 and type(rate) is int
    assert waveform.dtype == torch.float32
    assert torch.equal(waveform.reshape(-1), TONE)


@pytest.mark.parametrize(
    'sound, kind, message',
    [
        (TONE, ValueError, r'clip comes without its .* Fix: \(waveform, 1600'),
        (TONE.numpy(), ValueError, 'clip comes without its sample rate'),
        ((16000, TONE), ValueError, r'rate first. Fix: \(waveform, sample_ra'),
        ((TONE, 0), ValueError, 'whole number of Hz of at least 1, got 0'),
        ((TONE, 44.1), ValueError, 'of at least 1, got 44.1'),
        ((TONE, '16k'), ValueError, "of at least 1, got '16k'"),
        ((TONE, None), ValueError, 'of at least 1, got None'),
        (((TONE * 9).short(), 16000), ValueError, r'int16; .* / 32768'),
        ((TONE * 32768, 16000), ValueError, 'clip holds float samples up to'),
        ((TONE / 0, 16000), ValueError, 'clip holds 48000 .* NaN or infinite'),
        ((TONE[:0], 16000), ValueError, 'clip holds no samples'),
        (([0.5, 0.5], 16000), TypeError, 'got list and a rate'),
        ((TONE, 16000, 1), TypeError, 'sound is a file, or .*; got tuple'),
        (b'RIFF', TypeError, 'got bytes'),
        (5, TypeError, 'got int'),
        ('https://a/b.wav', ValueError, 'an address, .* Fix: download it'),
        ('nowhere.wav', FileNotFoundError, 'nowhere.wav. Fix: check the path'),
        (Path('.'), FileNotFoundError, 'not found: .. Fix'),
    ],
)
def test_what_is_not_sound_says_why(sound, kind, message):
    with pytest.raises(kind, match=message):
        check_sound(sound, 'the sound of the clip')


def clip_of_every_kind(frames):
    rgb = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
    tensors = [torch.from_numpy(frame).permute(2, 0, 1) for frame in rgb]
    return dict(
        generator=(frame for frame in frames),
        stack=np.stack(frames),
        tensors=torch.stack(tensors),
        pillow=tuple(Image.fromarray(frame) for frame in rgb),
        mixed=[frames[0], tensors[1], Image.fromarray(rgb[2])],
    )


def test_every_kind_of_clip_gives_the_same_masks(binary_model, tmp_path):
    generator = np.random.default_rng(0)
    frames = list(generator.integers(0, 255, (3, 40, 56, 3), np.uint8))
    sound = noise_video(tmp_path / 'sound.mp4', 3)
    expected = inference_model(binary_model, frames, sound).pred_sem_seg.data
    assert 0.02 < expected.float().mean() < 0.98
    inferencer = AVSInferencer(binary_model, clip_frames=3)
    for kind, clip in clip_of_every_kind(frames).items():
        found = inference_model(binary_model, clip, sound)
        assert torch.equal(found.pred_sem_seg.data, expected), kind
    for kind, clip in clip_of_every_kind(frames).items():
        summary = inferencer(clip, sound, progress=False)
        areas = [
            sum(o['area'] for o in m['objects']) for m in summary['masks']
        ]
        assert areas == pytest.approx(
            expected.float().mean((1, 2, 3)).tolist(), abs=1e-6
        ), kind
        assert summary['video'] == [
            f'picture {t} of the clip' for t in (0, 1, 2)
        ]


def test_a_video_keeps_left_and_right(config, tmp_path, monkeypatch):
    """Where the pipeline asks for both, the stream and a clip hear them."""
    steps = config.test_dataloader.dataset.pipeline
    steps[0]['channels'] = 2
    config.model.audio_encoder = dict(
        type='PerChannelEncoder',
        encoder=dict(type='LogMelCNN', out_channels=8),
    )
    config.model.neck[1].audio_channels = 16
    model = init_model(config, 'random', 'cpu')
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 48000))
    sound[1] /= 8
    path = write_test_video(tmp_path / 'a.mp4', sound=sound)
    frames, heard = [np.zeros((40, 56, 3), np.uint8)] * 3, []
    monkeypatch.setattr(
        model.audio_encoder.encoder, 'forward', spy_on(model, heard)
    )
    inference_model(model, frames, path)
    AVSInferencer(model, clip_frames=3)(frames, path, progress=False)
    clip, video = (x.unflatten(0, (3, 2)) for x in heard)
    assert torch.allclose(clip, video, atol=1e-3)
    quieter = (clip[:, 0] - clip[:, 1]).mean()
    assert float(quieter) == pytest.approx(np.log(8), abs=0.05)


def spy_on(model, heard):
    """Note what an audio encoder is given, log-mels (N, 1, 96, 64)."""
    forward = model.audio_encoder.encoder.forward

    def run(audio):
        heard.append(audio)
        return forward(audio)

    return run


def test_sizes_differ(deaf_model):
    frames = [np.zeros((8, 9, 3), np.uint8), np.zeros((9, 9, 3), np.uint8)]
    message = 'picture 1 of the clip is 9 x 9, the first one 9 x 8. Fix'
    with pytest.raises(ValueError, match=message):
        inference_model(deaf_model, frames)
    with pytest.raises(ValueError, match=message):
        AVSInferencer(deaf_model)(frames, progress=False)

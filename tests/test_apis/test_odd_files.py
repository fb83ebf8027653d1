"""Videos, folders and sounds as people have them."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from noise_video import noise_video
from scipy.io import wavfile

from mmavs.apis import AVSInferencer
from mmavs.testing.media import write_test_video


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A folder of inputs, few of which can be used."""
    root = tmp_path_factory.mktemp('files')
    noise_video(root / 'good.mp4', 2)
    black = np.zeros((12, 32, 32, 3), np.uint8)
    write_test_video(root / 'mute.mp4', black, fps=6)
    write_test_video(root / 'song.mp4', sound=np.zeros((1, 32000), 'f4'))
    (root / 'zero.mp4').write_bytes(b'')
    (root / 'text.mp4').write_text('no video')
    (root / 'empty.mp4').mkdir()
    folder = root / 'folder.mp4'
    folder.mkdir()
    for name in ('0.png', '1.png', '._0.png'):
        cv2.imwrite(str(folder / name), black[0])
    (folder / '._0.png').write_bytes(b'\0\5\26\7')  # as macOS leaves it
    mixed = shutil.copytree(folder, root / 'mixed')
    cv2.imwrite(str(mixed / '1.png'), black[0, :16])
    twins = shutil.copytree(folder, root / 'twins')
    for name, samples in (
        ('silence', np.zeros(32000, np.int16)),
        ('short', np.zeros(3000, np.int16)),
        ('none', np.zeros(0, np.int16)),
        ('nan', np.full(32000, np.nan, np.float32)),
        ('late_nan', np.append(np.zeros(30000, np.float32), np.nan)),
        ('loud', np.full(32000, 500, np.float32)),
        ('crowd', np.zeros((32000, 20), np.int16)),
    ):
        wavfile.write(root / f'{name}.wav', 16000, samples)
    for place in (folder, mixed, twins, twins / 'b.wav'):
        shutil.copy(root / 'silence.wav', place)
    return root


NAMES = (
    'a b.mp4',
    'Ünïcödé 日本 😀.mp4',
    os.fsdecode(b'caf\xe9.mp4'),  # Latin-1, which is not UTF-8
    'C:\\clips\\x.mp4',
    'http:x.mp4',
    'a\nb.mp4',
    '%03d.mp4',
    '[red]*?.mp4',
    'quote\'".mp4',
    '-v.mp4',
    '.hidden.mp4',
    'LOUD.MP4',
    'no_suffix',
)


@pytest.mark.skipif(os.name == 'nt', reason='names that Windows refuses')
@pytest.mark.parametrize('kind', [str, Path])
@pytest.mark.parametrize('name', NAMES)
def test_any_name_will_do(
    deaf_model, files, tmp_path, monkeypatch, name, kind
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(files / 'good.mp4', name)
    summary = AVSInferencer(deaf_model)(
        kind(name),
        out_video=kind(f'to {name}.mp4'),
        out_dir=kind(f'masks {name}'),
        out_json=kind(f'{name}.json'),
    )
    assert summary['video'] == name and len(summary['masks']) == 2
    assert sorted(os.listdir()) == sorted(
        [name, f'to {name}.mp4', f'masks {name}', f'{name}.json']
    )
    assert sorted(os.listdir(f'masks {name}'))[1:] == [
        '000000.png',
        '000001.png',
    ]


@pytest.mark.parametrize(
    'video, audio, masks',
    [
        ('folder.mp4', None, 2),
        ('folder.mp4', 'good.mp4', 2),
        ('mute.mp4', 'silence.wav', 2),
        ('mute.mp4', 'song.mp4', 2),
        ('folder.mp4/0.png', 'silence.wav', 1),
        (['folder.mp4/0.png', 'twins/0.png'], 'silence.wav', 2),
    ],
)
def test_what_can_be_used(binary_model, files, tmp_path, video, audio, masks):
    if isinstance(video, list):
        video = (files / name for name in video)  # of one name, once only
    else:
        video = files / video
    summary = AVSInferencer(binary_model)(
        video,
        audio and files / audio,
        out_video=tmp_path / 'o.mp4',
        progress=False,
    )
    assert len(summary['masks']) == masks


@pytest.mark.parametrize(
    'video, audio, message',
    [
        ('zero.mp4', None, 'zero.mp4 is not a video or sound file'),
        ('text.mp4', None, 'text.mp4 is not a video or sound file'),
        ('song.mp4', None, r"song.mp4 has no pictures, only \['audio'\]"),
        ('mute.mp4', None, 'mute.mp4 has no sound track. Fix: give'),
        ('silence.wav', None, 'silence.wav has no pictures'),
        ('empty.mp4', None, 'no picture in .*empty.mp4 or .*frames'),
        ('mixed', None, 'mixed/1.png is 32 x 16, the first one 32 x 32'),
        ('twins', None, 'twins holds 2 sound files.* name one'),
        ('mute.mp4', 'mute.mp4', 'mute.mp4 has no sound track'),
        ('mute.mp4', 'text.mp4', 'text.mp4 is not a video or sound file'),
        ('mute.mp4', 'short.wav', 'short.wav is too short: 0.19 s'),
        ('mute.mp4', 'none.wav', 'none.wav has a sound track without'),
        ('mute.mp4', 'nan.wav', 'nan.wav holds .* NaN or infinite'),
        ('mute.mp4', 'late_nan.wav', 'sound of .*late_nan.wav holds 1 sampl'),
        ('mute.mp4', 'loud.wav', 'loud.wav holds float samples up to 500'),
        ('mute.mp4', 'crowd.wav', 'crowd.wav: its sound cannot be put into'),
        (['good.mp4', 'mute.mp4'], None, 'good.mp4 is a video, and a list'),
    ],
)
def test_what_cannot_be_used_is_named(
    binary_model, files, tmp_path, video, audio, message
):
    if isinstance(video, list):
        video = [files / name for name in video]
    else:
        video = files / video
    with pytest.raises(ValueError, match=message):
        AVSInferencer(binary_model)(
            video,
            audio and files / audio,
            out_video=tmp_path / 'o.mp4',
            out_json=tmp_path / 'o.json',
            progress=False,
        )
    assert list(tmp_path.iterdir()) == []


def test_sound_that_a_deaf_model_does_not_hear(deaf_model, files, tmp_path):
    """It goes into the overlay all the same, or would."""
    inferencer = AVSInferencer(deaf_model)
    out = tmp_path / 'o.mp4'
    with pytest.raises(ValueError, match='nan.wav holds .* NaN or infinite'):
        inferencer(files / 'mute.mp4', files / 'nan.wav', out, progress=False)
    assert list(tmp_path.iterdir()) == []
    inferencer(files / 'mute.mp4', files / 'nan.wav', progress=False)

"""Results in memory, second by second, from every kind of source."""

import json

import cv2
import numpy as np
import pytest
from noise_video import noise_video
from pycocotools import mask as coco
from scipy.io import wavfile

from mmavs.apis import AVSInferencer, segmenter
from mmavs.apis.mask_frames import from_png
from mmavs.media.sound_sources import SoundFile
from mmavs.media.video import VideoPictures

RATE = 16000


@pytest.fixture(scope='module')
def seven(tmp_path_factory):
    return noise_video(tmp_path_factory.mktemp('seven') / 'in.mp4', 7.5)


def read_masks(folder):
    paths = sorted(folder.glob('??????.png'))
    return np.stack([cv2.imread(str(p), cv2.IMREAD_GRAYSCALE) for p in paths])


def test_seconds_hold_what_files_hold(binary_model, seven, tmp_path):
    inferencer = AVSInferencer(binary_model, fps=2)
    summary = inferencer(
        seven,
        out_dir=tmp_path / 'm',
        out_json=tmp_path / 's.json',
        progress=False,
        return_seconds=True,
    )
    seconds = summary.pop('seconds')
    assert summary == json.loads((tmp_path / 's.json').read_text())
    assert [s.start for s in seconds] == list(range(8))
    assert [s.end for s in seconds] == [1, 2, 3, 4, 5, 6, 7, 7.5]
    masks = np.concatenate([s.masks for s in seconds])
    assert np.array_equal(masks * 255, read_masks(tmp_path / 'm'))
    assert 0.02 < masks.mean() < 0.98
    found = [i for s in seconds for i in s.instances]
    rows = [
        (row['start'], o) for row in summary['masks'] for o in row['objects']
    ]
    assert len(found) == len(rows) > 10
    for instance, (start, row) in zip(found, rows):
        mask = masks[round(2 * start)]
        assert np.array_equal(instance.mask, mask)
        assert (instance.start, instance.end) == (start, start + 0.5)
        assert instance.name == 'sounding' and instance.value == 1
        assert 0.5 < instance.score == row['score'] <= 1
        ys, xs = np.nonzero(mask)
        x, y, width, height = instance.box
        assert (x, y) == (xs.min(), ys.min())
        assert (width, height) == (np.ptp(xs) + 1, np.ptp(ys) + 1)
        assert np.array_equal(coco.decode(row['rle']), mask)
        assert row['box'] == list(instance.box)


def test_a_second_comes_as_soon_as_its_clip_is_complete(
    deaf_model, tmp_path, monkeypatch
):
    video = noise_video(tmp_path / 'in.mp4', 12, fps=2)
    clips = []
    run = segmenter.run_clips

    def count(model, batch):
        clips.append(len(batch))
        return run(model, batch)

    monkeypatch.setattr(segmenter, 'run_clips', count)
    stream = AVSInferencer(deaf_model).stream(video)
    assert clips == []
    assert next(stream).start == 0 and len(clips) == 1
    assert [second.start for second in stream] == list(range(1, 12))
    assert len(clips) == 3


def test_semantic_seconds_name_their_classes(semantic_model, tmp_path):
    video = noise_video(tmp_path / 'in.mp4', 2)
    (first, _) = AVSInferencer(semantic_model).stream(video)
    names = semantic_model.dataset_meta['classes']
    assert {i.value for i in first.instances} == set(
        np.unique(first.masks)
    ) - {0}
    for instance in first.instances:
        assert instance.name == names[instance.value]
        assert np.array_equal(instance.mask, first.masks[0] == instance.value)


def test_sound_in_memory_gives_the_masks_of_its_file(binary_model, tmp_path):
    generator = np.random.default_rng(0)
    frames = list(generator.integers(0, 255, (3, 40, 56, 3), np.uint8))
    samples = generator.integers(-9000, 9000, (3 * 22050, 2), np.int16)
    wavfile.write(tmp_path / 'a.wav', 22050, samples)
    waveform = samples.T.astype(np.float32) / 32768
    inferencer = AVSInferencer(binary_model, clip_frames=3)
    found = [s.masks for s in inferencer.stream(frames, (waveform, 22050))]
    expected = [s.masks for s in inferencer.stream(frames, tmp_path / 'a.wav')]
    # FFmpeg resamples files otherwise
    assert (np.array(found) != np.array(expected)).mean() < 0.01
    summary = inferencer(
        frames,
        (waveform, 22050),
        out_video=tmp_path / 'o.mp4',
        progress=False,
    )
    assert summary['sound'] == 'the waveform'
    heard = SoundFile(tmp_path / 'o.mp4').open().read(0, 3)
    given = SoundFile(tmp_path / 'a.wav').open().read(0, 3)
    assert np.corrcoef(heard, given)[0, 1] > 0.9


def moments(video, seconds, fps=6):
    """The pictures and sound of a file, as a generator gives them."""
    sound = SoundFile(video).open(RATE)
    for i, picture in enumerate(VideoPictures(video)):
        if i < seconds * fps:
            piece = sound.read(i / fps, 1 / fps + 1e-9)
            start, end = round(i * RATE / fps), round((i + 1) * RATE / fps)
            yield picture.read(), (piece[: end - start].numpy(), RATE)


def test_a_generator_gives_the_masks_of_its_video(
    binary_model, seven, tmp_path
):
    inferencer = AVSInferencer(binary_model)
    expected = [s.masks for s in inferencer.stream(seven)]
    summary = inferencer(
        moments(seven, 7.5),
        out_video=tmp_path / 'o.mp4',
        progress=False,
        return_seconds=True,
    )
    found = [s.masks for s in summary['seconds']]
    # pieces of 2666 and 2667 samples begin up to a sample beside
    assert (np.array(found) != np.array(expected)).mean() < 0.02
    assert summary['video'] == 'live' and summary['missing'] == []
    shown = VideoPictures(tmp_path / 'o.mp4')
    assert len(list(shown)) == 45
    assert shown.duration == pytest.approx(7.5, abs=0.01)
    before = SoundFile(seven).open(RATE).read(1, 5)
    after = SoundFile(tmp_path / 'o.mp4').open(RATE).read(1, 5)
    assert np.corrcoef(before, after)[0, 1] > 0.9


def test_of_what_comes_live_little_waits(deaf_model):
    """A model and a painter hold a clip or two, not all that came."""
    alive, most = [0], [0]

    class Counted(np.ndarray):
        def __del__(self):
            if self.base is not None:
                alive[0] -= 1

    def source():
        for i in range(240):
            image = np.full((32, 32, 3), i, np.uint8).view(Counted)
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            yield image, (np.zeros(4000, np.float32), RATE)
            del image

    assert len(list(AVSInferencer(deaf_model).stream(source()))) == 60
    assert most[0] < 20


@pytest.mark.parametrize(
    'source, kind, message',
    [
        ([], ValueError, 'at least one picture, got none'),
        (
            [(np.zeros((8, 8, 3), np.uint8), (np.zeros(9), 16000)), 3],
            TypeError,
            r'pairs \(picture, \(waveform, sample_rate\)\).*got int',
        ),
        (
            [
                (np.zeros((8, 8, 3), np.uint8), (np.zeros(9), 16000)),
                (np.zeros((8, 9, 3), np.uint8), (np.zeros(9), 16000)),
            ],
            ValueError,
            r'picture 1 is of \(8, 9\).* Fix: keep size and rate',
        ),
        (
            [(np.zeros((8, 8, 3), np.uint8), (np.zeros(9, np.int16), 16000))],
            ValueError,
            'the sound of picture 0 is of torch.int16',
        ),
    ],
)
def test_what_is_not_live_says_why(deaf_model, source, kind, message):
    with pytest.raises(kind, match=message):
        list(AVSInferencer(deaf_model).stream(iter(source)))


def test_masks_wait_as_png(binary_model, seven):
    second = next(AVSInferencer(binary_model).stream(seven))
    (frame,) = second.frames
    assert np.array_equal(from_png(frame.segmentation), second.masks[0] * 255)

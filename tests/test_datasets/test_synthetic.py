"""The synthetic AVSBench: deterministic, in layout, and led by sound."""

import hashlib
import json
import multiprocessing
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmavs.audio import read_wav, vggish_log_mel
from mmavs.datasets.synthetic import CLASSES, ensure_synthetic, read_side_file
from mmavs.datasets.synthetic import generate as generate_module
from mmavs.datasets.synthetic.looks import SHAPES, draw_look, paint
from mmavs.datasets.synthetic.scene import Scene, mix_sound
from mmavs.datasets.synthetic.script import SPLITS, write_script
from mmavs.datasets.synthetic.timbres import SAMPLE_RATE, play
from mmavs.testing import tiny_copy

FEW = dict(train=2, val=1, test=1)


def make(root, setting='ms3', clips=None, size=48, **options):
    return ensure_synthetic(
        root, setting, clips or FEW, size, workers=1, progress=False, **options
    )


def digest(folder: Path) -> dict:
    return {
        str(path.relative_to(folder)): hashlib.md5(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def scripts(kind='ms3', split='train', number=400):
    return [write_script(kind, split, i, 0) for i in range(number)]


# ------------------------------------------------------------------- scripts


def test_constant_clips_are_half_and_keep_one_sounding_set():
    clips = scripts()
    constant = [clip for clip in clips if clip.group == 'constant']
    assert len(constant) == 200
    for clip in constant:
        assert len(set(clip.sounding)) == 1
        assert len(set(clip.off_screen)) == 1


def test_switching_clips_change_what_is_masked():
    for clip in scripts():
        if clip.group == 'switching':
            assert len(set(clip.sounding)) > 1


def test_distractors_silence_and_off_screen_sounds_occur():
    clips = scripts()
    seconds = [second for clip in clips for second in clip.sounding]
    silent = np.mean([len(second) == 0 for second in seconds])
    assert 0.10 < silent < 0.18
    distracted = [
        set(clip.visible) - set(second)
        for clip in clips
        for second in clip.sounding
    ]
    assert np.mean([len(rest) > 0 for rest in distracted]) > 0.8
    unseen = [set().union(*clip.off_screen) for clip in clips]
    assert 0.14 < np.mean([len(labels) > 0 for labels in unseen]) < 0.26
    for clip, labels in zip(clips, unseen):
        assert not labels & set(clip.visible)


def test_every_class_sounds_and_is_a_silent_distractor():
    heard, mute = set(), set()
    for clip in scripts():
        heard |= set().union(*clip.sounding)
        mute |= set(clip.visible) - set().union(*clip.sounding)
    assert heard == mute == set(range(len(CLASSES)))


def test_s4_has_one_source_all_the_time():
    for clip in scripts('s4', number=100):
        assert clip.group == 'constant'
        assert all(len(second) == 1 for second in clip.sounding)
        assert clip.sounding[0][0] in clip.visible
    first = np.mean([c.visible[0] == c.sounding[0][0] for c in scripts('s4')])
    assert first < 0.75  # the drawing order does not give the source away


def test_splits_share_no_seed():
    seeds = {
        (split, index): write_script('ms3', split, index, 0).seed
        for split in SPLITS
        for index in range(20)
    }
    assert len(set(seeds.values())) == len(seeds)


def test_looks_do_not_depend_on_who_sounds():
    script = write_script('ms3', 'train', 1, 0)
    mute = script._replace(sounding=((),) * 5)
    frame, owner = Scene(script, (48, 48)).render(0.875)
    same, _ = Scene(mute, (48, 48)).render(0.875)
    assert (frame == same).all()
    assert set(np.unique(owner)) - {0} <= {c + 1 for c in script.visible}


# ----------------------------------------------------------- looks and sounds


@pytest.mark.parametrize('shape', sorted(SHAPES))
def test_shape_has_a_bounded_inside(shape):
    v, u = np.mgrid[-1.3:1.3:131j, -1.3:1.3:131j]
    inside = SHAPES[shape](u, v) > 0
    assert 0.4 < inside.mean() * 2.6**2 < np.pi
    assert not inside[[0, -1]].any() and not inside[:, [0, -1]].any()


def test_paint_marks_the_disc_it_draws():
    image = np.zeros((100, 100, 3), np.float32)
    owner = np.zeros((100, 100), np.uint8)
    look = draw_look(0, np.random.default_rng(0))
    look = look._replace(radius=0.3, squeeze=1.0)
    paint(image, owner, look, (50.0, 50.0), 0.3, 100)
    # the disc's radius is 0.92 of the look's
    assert abs((owner == 1).sum() - np.pi * 27.6**2) < 30
    assert (image.max(axis=2) > 0)[owner > 0].all()
    assert owner[50, 50] == 1 and owner[5, 5] == 0


def test_every_timbre_is_heard_in_every_second():
    for kind in CLASSES:
        wave = play(kind.timbre, np.random.default_rng(3), 5)
        assert np.sqrt(np.mean(wave**2)) == pytest.approx(1, abs=1e-3)
        seconds = wave.reshape(5, SAMPLE_RATE)
        assert np.sqrt(np.mean(seconds**2, axis=1)).min() > 0.5, kind.timbre


def test_timbres_are_told_apart_by_one_second_of_log_mel():
    def mean_bands(label, seed):
        wave = play(CLASSES[label].timbre, np.random.default_rng(seed), 1)
        wave = torch.from_numpy(0.1 * wave)
        return vggish_log_mel(wave, SAMPLE_RATE)[0, 0].mean(0).numpy()

    labels = range(len(CLASSES))
    centers = np.stack(
        [np.mean([mean_bands(k, s) for s in range(8)], 0) for k in labels]
    )
    hits = [
        np.abs(centers - mean_bands(label, seed)).sum(1).argmin() == label
        for label in labels
        for seed in range(100, 105)
    ]
    assert np.mean(hits) > 0.9


def test_sound_follows_the_script():
    script = next(
        clip
        for clip in scripts()
        if any(not a and not b for a, b in zip(clip.sounding, clip.off_screen))
        and any(clip.sounding)
    )
    wave = mix_sound(script).reshape(script.num_frames, -1)
    middle = wave[:, 1000:-1000]
    loud = np.sqrt((middle**2).mean(axis=1))
    heard = [bool(a or b) for a, b in zip(script.sounding, script.off_screen)]
    assert loud[heard].min() > 5 * loud[~np.array(heard)].max()
    assert np.abs(wave).max() <= 0.981


# ------------------------------------------------------------------- on disk


def test_same_seed_same_files_whatever_the_workers(tmp_path):
    clips = dict(train=12, val=0, test=0)
    one = make(tmp_path / 'a', clips=clips)
    two = ensure_synthetic(
        tmp_path / 'b', 'ms3', clips, 48, workers=2, progress=False
    )
    assert digest(one) == digest(two)
    other = make(tmp_path / 'c', clips=clips, seed=1)
    assert digest(one) != digest(other)


def test_ms3_masks_are_what_sounds(tiny_ms3):
    side = read_side_file(tiny_ms3)
    assert side['complete'] and len(side['clips']) == 9
    for clip_id, clip in side['clips'].items():
        folder = tiny_ms3 / 'ms3_data' / 'gt_masks' / clip['split'] / clip_id
        for t, sounding in enumerate(clip['sounding'], start=1):
            mask = cv2.imread(str(folder / f'{clip_id}_{t}.png'), -1)
            assert mask.shape == (64, 64) and mask.dtype == np.uint8
            assert set(np.unique(mask)) <= {0, 255}
            assert mask.any() == bool(sounding)
        wav = tiny_ms3 / 'ms3_data' / 'audio_wav' / clip['split']
        wave, rate = read_wav(wav / f'{clip_id}.wav')
        assert rate == 16000 and wave.shape[-1] == 80000


def test_s4_labels_the_first_training_frame_alone(tiny_s4):
    masks = tiny_s4 / 's4_data' / 'gt_masks'
    counts = {
        split: {len(list(c.iterdir())) for c in masks.glob(f'{split}/*/*')}
        for split in SPLITS
    }
    assert counts == {'train': {1}, 'val': {5}, 'test': {5}}


def test_avss_has_three_parts_and_two_kinds_of_mask(tiny_avss):
    from mmavs.datasets.avss_classes import AVSS_CLASSES, AVSS_PALETTE

    table = json.loads((tiny_avss / 'label2idx.json').read_text())
    assert list(table) == list(AVSS_CLASSES)
    lengths = {
        part: {len(list(c.glob('frames/*.jpg'))) for c in folder.iterdir()}
        for part in ('v1s', 'v1m', 'v2')
        for folder in [tiny_avss / part]
    }
    assert lengths == {'v1s': {5}, 'v1m': {5}, 'v2': {10}}
    for path in tiny_avss.glob('*/*/labels_semantic/*.png'):
        labels = cv2.imread(str(path), -1)
        assert labels.shape == (64, 86)
        rgb_path = str(path).replace('labels_semantic', 'labels_rgb')
        colors = cv2.imread(rgb_path)
        colors = colors[..., ::-1]
        assert (np.array(AVSS_PALETTE)[labels] == colors).all()


def test_interrupted_run_is_carried_on(tmp_path, monkeypatch):
    whole = digest(make(tmp_path / 'whole'))
    real, written = generate_module.write_clip, []

    def stop_after_two(*args):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(args)
        real(*args)

    monkeypatch.setattr(generate_module, 'write_clip', stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / 'part')
    folder = tmp_path / 'part' / 'Multi-sources'
    assert not read_side_file(folder)['complete']
    wav = next(folder.rglob('*.wav'))
    before = wav.stat().st_mtime_ns
    monkeypatch.setattr(generate_module, 'write_clip', real)
    make(tmp_path / 'part')
    assert digest(folder) == whole
    assert wav.stat().st_mtime_ns == before  # not written again


def test_made_once_and_extended_on_request(tmp_path):
    folder = make(tmp_path)
    before = digest(folder)
    again = ensure_synthetic(tmp_path, 'ms3', progress=False)  # whatever is
    assert again == folder and digest(folder) == before
    make(tmp_path, clips=dict(train=4))
    after = digest(folder)
    assert len(read_side_file(folder)['clips']) == 6
    kept = [name for name in before if name.startswith('ms3_data')]
    assert all(after[name] == before[name] for name in kept)


def test_foreign_folder_is_not_touched(tmp_path):
    folder = tmp_path / 'Multi-sources'
    folder.mkdir()
    (folder / 'ms3_meta_data.csv').write_text('mine')
    with pytest.raises(FileExistsError, match='Multi-sources.*Mend'):
        make(tmp_path)
    assert (folder / 'ms3_meta_data.csv').read_text() == 'mine'


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(setting='s5'), "unknown setting 's5'"),
        (dict(clips=dict(dev=1)), "unknown split {'dev'}"),
        (dict(size=16), 'at least 32'),
    ],
)
def test_impossible_wishes_are_named(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        make(tmp_path, **options)


def test_other_choices_than_before_are_named(tmp_path, tiny_ms3):
    with pytest.raises(ValueError, match='size=64, not 32.*Mend'):
        ensure_synthetic(tiny_ms3.parent, 'ms3', size=32)
    root = tiny_copy(tiny_ms3, tmp_path)
    (root / 'synthetic.json').write_text('{')
    with pytest.raises(ValueError, match='synthetic.json is damaged.*Mend'):
        ensure_synthetic(tmp_path, 'ms3')


def test_video_holds_the_frames_and_the_sound(tmp_path):
    import av

    folder = make(tmp_path, clips=dict(train=2), size=64, video=True)
    clip_id = 'ms3_train_00001'
    path = folder / 'ms3_data' / 'raw_videos' / f'{clip_id}.mp4'
    with av.open(str(path)) as container:
        pictures = [
            frame.to_ndarray(format='bgr24')
            for frame in container.decode(video=0)
        ]
    with av.open(str(path)) as container:
        sound = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(sound))
    assert len(pictures) == 40 and sound.rate == 16000
    assert abs(samples - 80000) < 3000  # the codec pads
    frames = folder / 'ms3_data' / 'visual_frames' / clip_id
    for second in range(5):
        frame = cv2.imread(str(frames / f'{clip_id}.mp4_{second + 1}.png'))
        index = int((second + 15 / 16) * 8)  # AVSBench's rule at 8 fps
        error = np.abs(pictures[index].astype(int) - frame)
        assert error.mean() < 8


def test_ranks_of_one_job_may_all_ask_at_once(tmp_path):
    context = multiprocessing.get_context('fork')
    ranks = [context.Process(target=make, args=(tmp_path,)) for _ in range(3)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    assert [rank.exitcode for rank in ranks] == [0, 0, 0]
    folder = tmp_path / 'Multi-sources'
    assert read_side_file(folder)['complete']
    assert not list(folder.rglob('*.part'))

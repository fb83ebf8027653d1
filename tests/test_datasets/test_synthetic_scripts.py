"""Who is seen and heard in the synthetic world, how it looks and sounds."""

import numpy as np
import pytest
import torch

from mmavs.audio import vggish_log_mel
from mmavs.datasets.synthetic import CLASSES
from mmavs.datasets.synthetic.looks import SHAPES, draw_look, paint
from mmavs.datasets.synthetic.scene import Scene, mix_sound
from mmavs.datasets.synthetic.script import SPLITS, write_script
from mmavs.datasets.synthetic.timbres import SAMPLE_RATE, play


def scripts(kind='ms3', split='train', number=400):
    return [write_script(kind, split, i, 0) for i in range(number)]


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


def test_s4_alone_shows_what_sounds_and_nothing_else():
    clips = scripts('s4-alone', number=100)
    assert {clip.visible for clip in clips} == {(i,) for i in range(10)}
    for clip in clips:
        assert clip.sounding == (clip.visible,) * 5


def test_all_that_is_seen_may_sound_all_the_time():
    clips = scripts('all', number=100)
    assert {len(clip.visible) for clip in clips} == {1, 2, 3, 4}
    for clip in clips:
        assert clip.group == 'constant'
        for second in clip.sounding:
            assert second == tuple(sorted(clip.visible))


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

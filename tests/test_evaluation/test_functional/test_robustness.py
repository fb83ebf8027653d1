import pytest

from mmavs.evaluation.functional.robustness import robustness


def figures(fit=(60.0, 80.0), own=10.0, rates=(1.0, 3.0)):
    found = dict(own=dict(J=fit[0], F=fit[1], sounding=own))
    for sound, rate in zip(('mute', 'noise', 'offscreen'), rates):
        found[sound] = dict(J=0.0, F=0.0, FPR=rate)
    return found


def test_by_hand():
    # fit 70; quiet (0.9 + 0.7) / 2
    assert robustness(figures()) == pytest.approx(2 * 70 * 80 / 150)
    # mix halves fit with (J + F) / 2 = 30
    mixed = dict(figures(), mix=dict(J=20.0, F=40.0))
    assert robustness(mixed) == pytest.approx(2 * 50 * 80 / 130)
    # of another clip's sound nothing is asked
    swapped = dict(figures(), swap=dict(J=1.0, F=1.0))
    assert robustness(swapped) == robustness(figures())


def test_a_sound_that_fools_leaves_what_others_earn():
    # quiet (1 + 0 + 1) / 3, however much is segmented under noise
    for noise in (10.0, 15.0, 90.0):
        found = robustness(figures(rates=(0.0, noise, 0.0)))
        assert found == pytest.approx(2 * 70 * (200 / 3) / (70 + 200 / 3))


def test_ends_of_the_scale():
    assert robustness(figures((100.0, 100.0), 7.0, (0.0,))) == 100
    # the same, whatever it hears; more than that; nothing at all
    assert robustness(figures(rates=(10.0, 10.0, 10.0))) == 0
    assert robustness(figures(rates=(40.0,))) == 0
    assert robustness(figures((20.0, 0.0), 0.0, (0.0,))) == 0
    assert robustness(figures((0.0, 0.0), 0.0, (0.0,))) == 0


def test_what_was_not_tried_gives_none():
    assert robustness(dict(mute=dict(FPR=1.0))) is None
    assert robustness(figures(rates=())) is None

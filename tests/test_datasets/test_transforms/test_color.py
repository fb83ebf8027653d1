"""ClipColorJitter."""

import cv2
import numpy as np
import pytest

from mmavs.datasets.transforms import ClipColorJitter

PICTURE = np.random.default_rng(0).integers(20, 200, (16, 16, 3), np.uint8)


def clip(num_frames=3):
    return dict(frames=[dict(img=PICTURE.copy()) for _ in range(num_frames)])


def fixed(monkeypatch, transform, **values):
    """Run with chosen factors."""
    factors = dict(brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0)
    draws = iter(dict(factors, **values).values())
    monkeypatch.setattr(np.random, 'uniform', lambda low, high: next(draws))
    return transform(clip(1))['frames'][0]['img']


def test_all_frames_of_a_clip_change_alike_and_clips_differ():
    jitter = ClipColorJitter(0.4, 0.4, 0.4, 0.1)
    seen = set()
    for _ in range(4):
        images = [frame['img'] for frame in jitter(clip())['frames']]
        assert all((image == images[0]).all() for image in images)
        assert images[0].dtype == np.uint8
        seen.add(images[0].tobytes())
    assert len(seen) == 4


def test_nothing_is_changed_by_default_or_at_probability_zero():
    for jitter in (ClipColorJitter(), ClipColorJitter(0.9, hue=0.5, prob=0)):
        assert (jitter(clip())['frames'][0]['img'] == PICTURE).all()


def test_brightness_is_a_factor(monkeypatch):
    image = fixed(monkeypatch, ClipColorJitter(1), brightness=1.5)
    expected = np.clip(np.round(PICTURE * 1.5), 0, 255)
    assert (image == expected).all()


def test_contrast_stretches_from_the_mean_grey(monkeypatch):
    image = fixed(monkeypatch, ClipColorJitter(contrast=1), contrast=0.5)
    mean = cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY).mean()
    expected = np.round((PICTURE - mean) * 0.5 + mean)
    assert (image == expected).all()


def test_no_saturation_is_grey(monkeypatch):
    image = fixed(monkeypatch, ClipColorJitter(saturation=1), saturation=0.0)
    grey = cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY)
    assert (image == grey[..., None]).all()


def test_a_third_of_the_hue_circle_turns_blue_to_red(monkeypatch):
    blue = dict(frames=[dict(img=np.full((4, 4, 3), (200, 0, 0), np.uint8))])
    monkeypatch.setattr(
        np.random, 'uniform', lambda low, high: 1.0 if high > 0.6 else 1 / 3
    )
    image = ClipColorJitter(hue=0.5)(blue)['frames'][0]['img']
    assert (image == (0, 0, 200)).all()


@pytest.mark.parametrize(
    'options', [dict(brightness=-1), dict(hue=0.6), dict(prob=1.5)]
)
def test_impossible_ranges_are_refused(options):
    with pytest.raises(ValueError):
        ClipColorJitter(**options)

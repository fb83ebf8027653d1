"""Small checkpoints load, and give what they gave when they were made."""

import numpy as np
import pytest
from small_models import (
    CHECKPOINTS,
    FOLDER,
    SMALLER,
    build,
    checkpoint_of,
    figures,
)


@pytest.mark.parametrize('name', SMALLER)
def test_predictions_and_losses_stay(name, caplog):
    model = build(name, checkpoint_of(name))
    found = figures(model)
    with np.load(FOLDER / f'{name}.npz') as expected:
        assert set(found) == set(expected.files)
        for key in expected.files:
            assert_same(key, np.asarray(found[key]), expected[key], name)


def assert_same(key, found, expected, name):
    """Within 2e-5 of the largest value (float32 on other machines).

    Masks, and maps painted from them, leap where a logit is next to the
    threshold: two pixels of a thousand may differ.
    """
    assert found.shape == expected.shape, key
    leaps = 'mask_' in key or 'areas_' in key or name == 'avis_tiny_ms3'
    atol = max(2e-6, 2e-5 * float(np.abs(expected).max(initial=0)))
    if 'areas_' in key:  # pixels of one instance of 64 x 64
        atol = 8
    differ = np.abs(found.astype('f8') - expected) > atol
    assert differ.mean() <= (0.002 if leaps else 0) if differ.size else True, (
        f'{key}: {differ.mean():.3%} of values differ by more than {atol:.1g}'
    )


def test_they_say_something():
    """Masks neither empty nor full, instances found and chosen among."""
    for name in SMALLER:
        with np.load(FOLDER / f'{name}.npz') as arrays:
            share = (arrays['mask_0'] > 0).mean()
            assert 0.1 < share < (1 if 'avss' in name else 0.9), name
    with np.load(FOLDER / 'avis_tiny_ms3.npz') as arrays:
        heard = arrays['sounding_probs_0_0']
        assert (heard > 0.5).any() and (heard < 0.5).any()


def test_they_stay_small():
    files = {path.stem: path.stat().st_size for path in FOLDER.glob('*.pth')}
    assert set(files) == set(SMALLER) - set(CHECKPOINTS)
    assert max(files.values()) < 1_000_000

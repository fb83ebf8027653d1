"""Sine positions by hand, and the widths that attention refuses."""

import math

import pytest
import torch

from mmavs.models.layers.avsegformer import CrossModalMixer
from mmavs.models.layers.positions import sine_positions


def test_hand_computed():
    """Rows first, then columns; pixels count from 1, the rate is 1."""
    encoded = sine_positions(2, 2, 4)
    expected = [
        [f(place) for place in (row, column) for f in (math.sin, math.cos)]
        for row in (1, 2)
        for column in (1, 2)
    ]
    torch.testing.assert_close(encoded, torch.tensor(expected))


def test_normalised_positions_end_at_a_full_turn():
    encoded = sine_positions(3, 5, 4, normalize=True)
    last = torch.tensor([0.0, 1.0, 0.0, 1.0])
    torch.testing.assert_close(encoded[-1], last, rtol=0, atol=1e-4)


def test_widths_that_do_not_fit():
    with pytest.raises(ValueError, match='divisible by 4.*got 6'):
        sine_positions(2, 2, 6)
    with pytest.raises(ValueError, match='embed_dims=20.*num_heads=8'):
        CrossModalMixer(embed_dims=20, num_heads=8)

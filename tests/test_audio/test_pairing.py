import pytest
import torch

from mmavs.audio.pairing import (
    SHORT_POLICIES,
    cut_segments,
    pair_with_frames,
)


def test_segments_overlap_by_length_minus_hop():
    pieces = cut_segments(torch.arange(10.0), 4, 3)
    assert pieces.tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]


@pytest.mark.parametrize('samples, expected', [(9, 2), (10, 3), (12, 3)])
def test_a_half_complete_last_segment_is_completed(samples, expected):
    wave = torch.ones(samples)
    assert len(cut_segments(wave, 4, 4)) == samples // 4
    pieces = cut_segments(wave, 4, 4, complete=True)
    assert pieces.shape == (expected, 4)
    assert pieces.sum() == (samples if expected == 3 else 8)


def test_too_short_for_one_segment():
    assert cut_segments(torch.ones(3), 4, 4).shape == (0, 4)


@pytest.mark.parametrize('policy', SHORT_POLICIES)
def test_enough_sound_is_cut_to_the_frames(policy):
    pieces = torch.arange(6.0)
    paired, surplus = pair_with_frames(pieces, 5, policy)
    assert paired.tolist() == [0, 1, 2, 3, 4] and surplus == 1


def test_one_missing_piece():
    pieces = torch.arange(1.0, 5.0)
    paired, surplus = pair_with_frames(pieces, 5, 'repeat')
    assert paired.tolist() == [1, 2, 3, 4, 4] and surplus == -1
    paired, _ = pair_with_frames(pieces, 5, 'zeros')
    assert paired.tolist() == [1, 2, 3, 4, 0]


def test_more_missing_pieces():
    pieces = torch.ones(3, 2)
    with pytest.raises(ValueError, match='3 of 5 frames'):
        pair_with_frames(pieces, 5, 'repeat')
    paired, surplus = pair_with_frames(pieces, 5, 'zeros')
    assert paired[:, 0].tolist() == [1, 1, 1, 0, 0] and surplus == -2


def test_any_number_of_missing_pieces_is_the_last_one_repeated():
    pieces = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    paired, surplus = pair_with_frames(pieces, 5, 'repeat_any')
    assert paired[:, 1].tolist() == [2, 4, 4, 4, 4] and surplus == -3


@pytest.mark.parametrize('policy', SHORT_POLICIES)
def test_no_piece_at_all_is_an_error(policy):
    with pytest.raises(ValueError, match='shorter than one analysis window'):
        pair_with_frames(torch.zeros(0, 3), 5, policy)

"""COCO's run-length code of masks, without its library."""

import numpy as np

_DIGIT = 5  # bits of a number in one letter
_MOST = 7  # letters of a number, enough for 2^34 pixels


def encode(mask: np.ndarray) -> str:
    """Encode a mask as pycocotools does.

    Args:
        mask (ndarray): (H, W) bool or 0 and 1.

    Returns:
        str: ``counts``: column by column, lengths of runs of 0 and 1 by
        turns, those from the fourth on less the one two before; each in
        letters of five bits, low ones first, and a sixth that says that more
        follow.
    """
    column = np.asarray(mask, bool).ravel(order='F')
    changes = np.flatnonzero(column[1:] != column[:-1]) + 1
    starts = [0] if column[:1].any() else []
    edges = np.concatenate([[0], starts, changes, [column.size]])
    lengths = np.diff(edges.astype(np.int64))
    numbers = lengths.copy()
    numbers[3:] -= lengths[1:-2]
    places = np.arange(_MOST)
    digits = numbers[:, None] >> (_DIGIT * places)  # (runs, letters)
    # a number of n letters fits into 5 n bits with a sign
    limits = 1 << (_DIGIT * (places[:-1] + 1) - 1)
    wide = (numbers[:, None] < -limits) | (numbers[:, None] >= limits)
    count = 1 + wide.sum(1, keepdims=True)
    letters = (digits & 31) | np.where(places < count - 1, 32, 0)
    kept = letters[places < count] + 48
    return kept.astype(np.uint8).tobytes().decode('ascii')


def box_of(mask: np.ndarray) -> list:
    """Give x, y, width and height of a mask in pixels; zeros if empty."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return [0, 0, 0, 0]
    width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
    return [int(n) for n in (columns[0], rows[0], width, height)]

"""How strongly a mask speaks for each of its values, at the model's size."""

from typing import NamedTuple, Tuple

import numpy as np
from PIL import Image

_AREA = Image.Resampling.BOX
SIDE = 160  # pixels on the longer side, at most
_EPS = 1e-6  # how near 0 or 1 a threshold counts
_SOFTNESS = 4.0  # logits beyond which certainty hardly grows


class Evidence(NamedTuple):
    """Maps of one mask, small enough to wait for the next ones.

    Attributes:
        values (tuple[int]): Those that the mask shows.
        maps (ndarray): (V, h, w) float32 in [-1, 1], above 0 where a value
            speaks louder than the background.
    """

    values: Tuple[int, ...]
    maps: np.ndarray


def evidence_of_logits(logits: np.ndarray, threshold: float) -> Evidence:
    """Make raw logits evidence.

    tanh((l - l0) / 4), l0 being the logit of the background: with one
    channel, of the threshold. Bounded, so that in a mean over time one
    second's certainty does not outvote another's.

    Args:
        logits (ndarray): (K, h, w) float32.
        threshold (float): Probability above which one channel sounds.

    Returns:
        Evidence: Of those classes that win somewhere.
    """
    if len(logits) == 1:
        share = min(max(threshold, _EPS), 1 - _EPS)
        odds = np.float32(np.log(share / (1 - share)))
        values, others = (1,), logits - odds
    else:
        found = np.unique(logits.argmax(0)).tolist()
        values = tuple(value for value in found if value)
        others = logits[list(values)] - logits[:1]
    return Evidence(values, _small(np.tanh(others / _SOFTNESS)))


def evidence_of_labels(labels: np.ndarray) -> Evidence:
    """Make a map of labels evidence: from -1 to 1, by the share of pixels.

    Args:
        labels (ndarray): (H, W) uint8; 0 is background.

    Returns:
        Evidence: Of all labels there are.
    """
    values = tuple(int(value) for value in np.unique(labels) if value)
    maps = [2 * (labels == value).astype(np.float32) - 1 for value in values]
    return Evidence(values, _small(np.array(maps).reshape(-1, *labels.shape)))


def _small(maps: np.ndarray) -> np.ndarray:
    scale = SIDE / max(maps.shape[-2:])
    if scale >= 1 or not len(maps):
        return maps
    height, width = (max(1, round(n * scale)) for n in maps.shape[-2:])
    return np.stack(
        [
            np.asarray(Image.fromarray(m).resize((width, height), _AREA))
            for m in maps
        ]
    )

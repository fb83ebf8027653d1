"""Pipelines in which a clip hears something else than its own sound."""

import copy
from typing import List, Sequence


def hear(pipeline: Sequence[dict], *transforms: dict) -> List[dict]:
    """Put transforms of the sound behind LoadAudio.

    Args:
        pipeline (Sequence[dict]): Of a clip.
        *transforms (dict): E.g. ``dict(type='MuteAudio')``.

    Returns:
        list[dict]: A copy of the pipeline with them.

    Raises:
        ValueError: The pipeline loads no waveform.
    """
    changed = copy.deepcopy(list(pipeline))
    places = [i for i, t in enumerate(changed) if t['type'] == 'LoadAudio']
    if not places:
        raise ValueError(
            'the test pipeline loads no waveform (LoadAudio), so its sound '
            'cannot be changed. Fix: take a model that hears, e.g. the '
            'second stage of AVIS, not the first.'
        )
    place = places[0] + 1
    return [*changed[:place], *transforms, *changed[place:]]


def muted() -> List[dict]:
    """Digital silence."""
    return [dict(type='MuteAudio')]


def noise() -> List[dict]:
    """White noise at -20 dB of full scale, instead of the sound."""
    return [dict(type='MuteAudio'), dict(type='AddNoise', snr_db=0, seed=0)]

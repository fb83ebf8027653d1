"""Pipelines in which a clip hears something else than its own sound."""

import copy
from typing import Dict, List, Sequence

from mmavs.audio.sounds import FROM_OTHERS, SOUNDS

from .unmatching import ClipContent, any_other_sounds, unmatching_sounds


def hear(pipeline: Sequence[dict], *transforms: dict) -> List[dict]:
    """Put transforms of the sound behind LoadAudio.

    Args:
        pipeline (Sequence[dict]): Of a clip.
        *transforms (dict): E.g. ``dict(type='ChangeSound', sound='mute')``.

    Returns:
        list[dict]: A copy of the pipeline with them.

    Raises:
        ValueError: The pipeline loads no waveform to change.
    """
    changed = copy.deepcopy(list(pipeline))
    if not transforms:
        return changed
    places = [i for i, t in enumerate(changed) if t['type'] == 'LoadAudio']
    if not places:
        raise ValueError(
            'the test pipeline loads no waveform (LoadAudio), so its sound '
            'cannot be changed. Fix: take a model that hears, e.g. the '
            'second stage of AVIS, not the first; where log-mels are read '
            'from files, read the wav files instead.'
        )
    place = places[0] + 1
    return [*changed[:place], *transforms, *changed[place:]]


def sound_transforms(
    contents: Dict[str, ClipContent],
    sounds: Sequence[str] = tuple(SOUNDS),
    seed: int = 0,
) -> Dict[str, List[dict]]:
    """Say for each sound what makes it, for every clip of a data set.

    Args:
        contents (dict[str, ClipContent]): From :func:`clip_contents`; empty
            will do for the sounds that need no other clip.
        sounds (Sequence[str]): Words of :data:`mmavs.audio.sounds.SOUNDS`.
        seed (int): Of the draw of other clips.

    Returns:
        dict[str, list[dict]]: Sound -> what :func:`hear` puts in. For
        ``offscreen`` and ``mix`` the other sound is that of something which
        the clip does not show, where that is known.

    Raises:
        ValueError: A clip has no other sound of its set to hear.
    """
    changes = {}
    for sound in sounds:
        change = dict(type='ChangeSound', sound=sound)
        if sound in FROM_OTHERS:
            choose = any_other_sounds if sound == 'swap' else unmatching_sounds
            change['others'] = choose(contents, seed)
        changes[sound] = [] if sound == 'own' else [change]
    return changes

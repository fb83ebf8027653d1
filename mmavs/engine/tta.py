"""Flips and scales for any test pipeline."""

from copy import deepcopy
from typing import List, Optional, Sequence, Tuple, Union

DIVISOR = 32  # the coarsest stride of the usual backbones


def derive_tta_pipeline(test_pipeline: Sequence[dict]) -> List[dict]:
    """Turn a test pipeline into one of several scales and flips.

    The frames' ``Resize`` is done at three sizes, the plain one first and
    then about an eighth smaller and larger; then every clip is taken plain
    and flipped. Whatever stands behind ``Resize`` comes after the flip: masks
    loaded there stay as they are on disk. Without ``Resize`` there are flips
    alone.

    Args:
        test_pipeline (Sequence[dict]): Ends in ``PackAVSInputs``.

    Returns:
        list[dict]: For ``tta_pipeline``.

    Raises:
        ValueError: The pipeline does not end in ``PackAVSInputs``.
    """
    *head, pack = test_pipeline
    if pack['type'] != 'PackAVSInputs':
        raise ValueError(
            'test-time augmentation goes before PackAVSInputs, but the test '
            f'pipeline ends in {pack["type"]}. Fix: give a tta_pipeline.'
        )
    flips = [
        _each_frame([dict(type='RandomFlip', prob=prob)])
        for prob in (0.0, 1.0)
    ]
    found = _find_resize(head)
    if found is None:
        stages = [flips, [pack]]
    else:
        place, inner = found
        steps = head[place]['transforms']
        sizes = [
            _each_frame([dict(steps[inner], scale=size)])
            for size in _sizes(steps[inner]['scale'])
        ]
        later = [_each_frame(steps[inner + 1 :])] if steps[inner + 1 :] else []
        stages = [sizes, flips, *([s] for s in later + head[place + 1 :])]
        stages.append([pack])
        head = head[:place] + ([_each_frame(steps[:inner])] if inner else [])
    return deepcopy([*head, dict(type='TestTimeAug', transforms=stages)])


def _find_resize(pipeline: Sequence[dict]) -> Optional[Tuple[int, int]]:
    """Find the step ForEachFrame and, inside it, Resize."""
    for place, step in enumerate(pipeline):
        for inner, transform in enumerate(step.get('transforms', ())):
            if transform['type'] == 'Resize' and 'scale' in transform:
                return place, inner
    return None


def _each_frame(transforms: Sequence[dict]) -> dict:
    return dict(type='ForEachFrame', transforms=list(transforms))


def _sizes(scale: Union[int, Sequence[int]]) -> List[Tuple[int, int]]:
    """Give (width, height) as it is, then a step smaller and larger."""
    sides = (scale, scale) if isinstance(scale, int) else tuple(scale)
    steps = [max(1, round(s / 8 / DIVISOR)) * DIVISOR for s in sides]
    return [
        tuple(max(DIVISOR, s + sign * n) for s, n in zip(sides, steps))
        if sign
        else sides
        for sign in (0, -1, 1)
    ]

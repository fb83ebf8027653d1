"""Who is seen and who is heard, second by second.

Looks never tell who sounds: a clip's objects are drawn first, the sounding
ones among them afterwards, by a generator of their own.
"""

from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from .classes import CLASSES

SPLITS = ('train', 'val', 'test')


class Kind(NamedTuple):
    """How clips of one kind are made.

    Attributes:
        code (int): Keeps the random numbers of kinds apart.
        num_frames (int): T, one frame per second.
        num_visible (tuple): Fewest and most visible objects.
        sounding (str): 'one' object all the time (S4), 'some' (zero to three,
            who may change), or 'all' that is visible, all the time.
    """

    code: int
    num_frames: int
    num_visible: Tuple[int, int]
    sounding: str


KINDS: Dict[str, Kind] = {
    's4': Kind(1, 5, (1, 3), 'one'),
    'ms3': Kind(2, 5, (2, 4), 'some'),
    'v2': Kind(3, 10, (2, 4), 'some'),
    'all': Kind(4, 5, (1, 4), 'all'),
    's4-alone': Kind(5, 5, (1, 1), 'one'),
}
SILENT_RATIO = 0.14  # of seconds without a visible sounding object
NUM_SOUNDING = ((1, 2, 3), (0.66, 0.27, 0.07))
REPEAT_RATIO = 0.25  # of seconds of a switching clip that repeat the last one
OFF_SCREEN_RATIO = 0.2  # of clips where something unseen is heard


class ClipScript(NamedTuple):
    """What happens in one clip.

    Attributes:
        clip_id (str): Its name on disk.
        kind (str): A key of ``KINDS``.
        split (str): 'train', 'val' or 'test'.
        seed (tuple): Entropy of all its random numbers.
        visible (tuple[int, ...]): Classes seen, drawn in this order.
        sounding (tuple[tuple[int, ...], ...]): For each second the visible
            classes that are heard.
        off_screen (tuple[tuple[int, ...], ...]): For each second the classes
            that are heard but not seen.
        group (str): 'constant' if every second sounds like the first, else
            'switching'.
    """

    clip_id: str
    kind: str
    split: str
    seed: Tuple[int, ...]
    visible: Tuple[int, ...]
    sounding: Tuple[Tuple[int, ...], ...]
    off_screen: Tuple[Tuple[int, ...], ...]
    group: str

    @property
    def num_frames(self) -> int:
        """int: T, also the clip's length in seconds."""
        return len(self.sounding)

    def rng(self, stream: int) -> np.random.Generator:
        """Give the clip's generator number ``stream``."""
        return np.random.default_rng([*self.seed, stream])


def write_script(
    kind: str,
    split: str,
    index: int,
    seed: int,
    num_classes: int = len(CLASSES),
) -> ClipScript:
    """Draw the script of one clip.

    Where 'some' sound, even clips are 'constant' and odd ones 'switching';
    the other kinds are all constant.

    Args:
        kind (str): A key of ``KINDS``.
        split (str): 'train', 'val' or 'test'. Splits share no random number,
            hence no instance.
        index (int): Number of the clip in its split.
        seed (int): Seed of the whole data set.
        num_classes (int): Of the world, at least 2. Defaults to those of the
            synthetic one.

    Returns:
        ClipScript: The same for the same arguments, always.
    """
    spec = KINDS[kind]
    entropy = (seed, spec.code, SPLITS.index(split), index)
    rng = np.random.default_rng([*entropy, 0])
    order = rng.permutation(num_classes).tolist()
    visible = tuple(order[: rng.integers(*spec.num_visible, endpoint=True)])
    constant = spec.sounding != 'some' or index % 2 == 0
    if spec.sounding == 'one':
        sounding = [visible[:1]] * spec.num_frames
    elif spec.sounding == 'all':
        sounding = [tuple(sorted(visible))] * spec.num_frames
    elif constant:
        sounding = [_draw_sounding(rng, visible)] * spec.num_frames
    else:
        sounding = _draw_switching(rng, visible, spec.num_frames)
    # The sounding one of S4 must not always be drawn at the bottom.
    visible = tuple(rng.permutation(visible).tolist())
    unseen = _draw_off_screen(
        rng, order[len(visible) :][:1], spec.num_frames, constant
    )
    return ClipScript(
        clip_id=f'{kind}_{split}_{index:05d}',
        kind=kind,
        split=split,
        seed=entropy,
        visible=visible,
        sounding=tuple(sounding),
        off_screen=tuple(unseen),
        group='constant' if constant else 'switching',
    )


def _draw_sounding(
    rng: np.random.Generator, visible: Tuple[int, ...]
) -> Tuple[int, ...]:
    """Choose who of the visible sounds in one second."""
    if rng.random() < SILENT_RATIO:
        return ()
    number = min(rng.choice(NUM_SOUNDING[0], p=NUM_SOUNDING[1]), len(visible))
    chosen = rng.choice(visible, size=number, replace=False)
    return tuple(sorted(chosen.tolist()))


def _draw_switching(
    rng: np.random.Generator, visible: Tuple[int, ...], num_frames: int
) -> List[Tuple[int, ...]]:
    """Choose second by second; at least one change is certain."""
    while True:
        sounding = [_draw_sounding(rng, visible)]
        while len(sounding) < num_frames:
            repeat = rng.random() < REPEAT_RATIO
            sounding.append(
                sounding[-1] if repeat else _draw_sounding(rng, visible)
            )
        if len(set(sounding)) > 1:
            return sounding


def _draw_off_screen(
    rng: np.random.Generator,
    label: Sequence[int],
    num_frames: int,
    constant: bool,
) -> List[Tuple[int, ...]]:
    """Decide when a class that is not in the picture, if any, is heard."""
    if rng.random() >= OFF_SCREEN_RATIO:
        return [()] * num_frames
    if constant:
        return [tuple(label)] * num_frames
    active = rng.random(num_frames) < 0.5
    active[rng.integers(num_frames)] = True
    return [tuple(label) if on else () for on in active]

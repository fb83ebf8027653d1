"""Which picture and which sound make which mask.

A model hears one second at a time and, in a clip of T frames, sees one frame
per second: the benchmark's frame t is on screen at second t + 15/16, and its
clip's sound starts with the clip. Mask m of ``fps`` masks per second shows
what sounds from m / fps to (m + 1) / fps. It is made from the picture at
(m + 15/16) / fps, in a clip whose other frames lie whole seconds before and
after, with the sound that starts 15/16 of a second before the clip's first
picture. At one mask per second, this is the benchmark's own pairing; more
masks per second are as many such sequences of clips, shifted against each
other.
"""

from collections import deque
from typing import Any, Iterable, Iterator, List, NamedTuple, Tuple

from mmavs.media.video import FRAME_OFFSET, Picture

# seconds; containers such as Matroska round time stamps to milliseconds
TOLERANCE = 1e-3


def picture_time(mask: int, fps: int) -> float:
    """Give the second at which the picture of a mask is on screen."""
    return (mask + FRAME_OFFSET) / fps


def sound_start(mask: int, fps: int) -> float:
    """Give the second at which the sound of a mask's frame starts.

    In the first second it may lie before 0 if ``fps`` is above 1.
    """
    return picture_time(mask, fps) - FRAME_OFFSET


def pictures_of_masks(
    pictures: Iterable[Picture], fps: int
) -> Iterator[Tuple[int, Picture]]:
    """Pick the picture of every mask.

    Args:
        pictures (Iterable[Picture]): In the order of time.
        fps (int): Masks per second.

    Yields:
        tuple[int, Picture]: Mask 0, 1, ... and the picture on screen at its
        time; the last picture where the video ends earlier.
    """
    mask, picture, until = 0, None, 0.0
    for picture in pictures:
        until = picture.time + picture.seconds - TOLERANCE
        while picture_time(mask, fps) < until:
            yield mask, picture
            mask += 1
    while mask / fps < until:
        yield mask, picture
        mask += 1


class Window(NamedTuple):
    """Frames that go through the model as one clip.

    Attributes:
        masks (list[int]): Of its T frames, one second apart.
        items (list): What was added for them.
        fresh (int): How many, counted from the end, were in no window yet.
    """

    masks: List[int]
    items: List[Any]
    fresh: int

    @property
    def new_places(self) -> range:
        """range: Which of its frames were in no window yet."""
        return range(len(self.masks) - self.fresh, len(self.masks))


class ClipWindows:
    """Cuts a stream of frames into clips of T, ``fps`` sequences at once.

    The last clips reach back over frames that had their turn, so that they
    are as long as the model is used to; only a video shorter than T seconds
    makes shorter ones.

    Args:
        num_frames (int): T.
        fps (int): Frames added per second.
    """

    def __init__(self, num_frames: int, fps: int) -> None:
        self.num_frames, self.fps = num_frames, fps
        self._recent = [deque(maxlen=num_frames) for _ in range(fps)]
        self._fresh = [0] * fps

    def add(self, mask: int, item: Any) -> List[Window]:
        """Add the next frame.

        Returns:
            list[Window]: ``fps`` windows that together cover T seconds, once
            the last frame of theirs is there; else none.
        """
        phase = mask % self.fps
        self._recent[phase].append((mask, item))
        self._fresh[phase] += 1
        if min(self._fresh) < self.num_frames:
            return []
        return self.finish()

    def finish(self) -> List[Window]:
        """Give windows over all frames that were in none yet."""
        windows = []
        for phase, recent in enumerate(self._recent):
            if self._fresh[phase]:
                masks, items = zip(*recent)
                fresh = self._fresh[phase]
                windows.append(Window(list(masks), list(items), fresh))
                self._fresh[phase] = 0
        return windows

"""Pictures of a video, one at a time, in order."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import (
    Callable,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Tuple,
    Union,
)

import numpy as np

from mmavs.compat.av_files import (
    MAX_GAP,
    Track,
    check_jump,
    duration,
    open_media,
    picture_stream,
)
from mmavs.compat.av_pictures import converted
from mmavs.warn_once import WarnOnce

SAMPLINGS = ('index', 'time')
FRAME_OFFSET = 15 / 16  # s into its second; AVSBench's preprocessing scripts


class Picture(NamedTuple):
    """One picture.

    Attributes:
        time (float): When it comes on screen, in seconds after the first one.
        seconds (float): How long it stays there.
        read (callable): Gives (H, W, 3) uint8 BGR, a video's upright.
            Converting costs time, so it is left to those who need the pixels.
    """

    time: float
    seconds: float
    read: Callable[[], np.ndarray]


class VideoPictures:
    """The pictures of a video file; can be gone through more than once.

    A picture without a time stamp, or with one that goes back, follows the
    one before it at the file's mean rate. The last picture stays as long as
    the file says, but no longer than the whole video; where it says nothing,
    or more than ten minutes, as long as the mean picture, one second at most.

    Args:
        path (str or Path): Anything that FFmpeg reads.

    Attributes:
        size (tuple[int, int]): Height and width, upright.
        rate (Fraction): Mean pictures per second, as the file states it; 25
            if it does not (``states_rate`` is False).
        duration (float or None): In seconds, as the file states it.
        start (float): When the first picture comes on screen, on the clock
            that the file's sound counts from.
        pixel_aspect (Fraction): Width by height of a pixel, upright.
        missing (tuple or None): From which second to which the file states
            pictures that did not come; known once all were gone through.
        files (list[Path]): What is read.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not a video, has no pictures, is damaged, or to
            be shown at an angle that is not a quarter turn; while going
            through it, time stamps that leap, see
            :func:`~mmavs.compat.av_files.check_jump`.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self.path = Path(path)
        self.files = [self.path]
        self.missing: Optional[Tuple[float, float]] = None
        self._warn = WarnOnce()
        with open_media(self.path) as container:
            track, stream = self._track(container)
            first = next(iter(track), None)
            if first is None:
                raise ValueError(
                    f'{self.path} has a video track without a single picture '
                    'in it. Fix: record or download it again.'
                )
            self.start = first.time or 0.0
            self.turns = _quarter_turns(first, self.path)
            self._stored_size = self.size = first.height, first.width
            rate = stream.average_rate or stream.guessed_rate
            self.rate, self.states_rate = Fraction(rate or 25), bool(rate)
            self.pixel_aspect = Fraction(stream.sample_aspect_ratio or 1)
            self.duration = duration(container, stream)
            self._end = track.end
        if self.turns % 2:
            self.size = self.size[::-1]
            self.pixel_aspect = 1 / self.pixel_aspect

    def __iter__(self) -> Iterator[Picture]:
        """Yield all pictures, from the first."""
        with open_media(self.path) as container:
            track, _ = self._track(container)
            time, frame, count = 0.0, None, 0
            for following in track:
                if frame is not None:
                    later = self._time(following, time)
                    yield Picture(time, later - time, self._reader(frame))
                    time, count = later, count + 1
                frame = following
            if frame is not None:
                stay = self._stay(frame, time, count)
                yield Picture(time, stay, self._reader(frame))
                self._note_missing(track, time + stay)

    def measure(self) -> float:
        """Say for how many seconds there are pictures, without decoding them.

        Returns:
            float: Where the last one leaves the screen.
        """
        last, count = None, 0
        with open_media(self.path) as container:
            track, stream = self._track(container)
            for packet in track.packets():
                if packet.pts is None or packet.is_discard:
                    continue
                count += 1
                if last is None or packet.pts > last.pts:
                    last = packet
        time = float(last.pts * last.time_base) - self.start
        end = time + self._stay(last, time, count - 1)
        self._note_missing(track, end)
        return end

    def _note_missing(self, track: Track, end: float) -> None:
        if track.missing is not None:
            self.missing = end, track.missing[1] - self.start

    def _track(self, container) -> tuple:
        stream = picture_stream(container, self.path)
        stream.thread_type = 'AUTO'
        return Track(container, stream, self.path), stream

    def _reader(self, frame) -> Callable[[], np.ndarray]:
        return partial(_upright, frame, self._stored_size, self.turns)

    def _time(self, frame, before: float) -> float:
        """When a picture comes that follows one of ``before``."""
        if frame.time is not None:
            time = frame.time - self.start
            check_jump(self.path, time - before)
            if time > before:
                return time
        return before + min(1.0, float(1 / self.rate))

    def _stay(self, last, time: float, count: int) -> float:
        """How long the last picture stays, that comes after ``count``."""
        seconds = float((last.duration or 0) * last.time_base)
        if not 0 < seconds <= MAX_GAP:
            mean = time / count if count else float(1 / self.rate)
            if seconds:
                self._warn(
                    f'{self.path}: its last picture is to stay for '
                    f'{seconds:.0f} s, which is not believed.'
                )
            seconds = min(1.0, mean)
        left = 0.0 if self._end is None else self._end - self.start - time
        return min(seconds, left) if left > 0 else seconds


def _quarter_turns(frame, path: Path) -> int:
    """How often a picture is to be turned anticlockwise to be upright."""
    turns, rest = divmod(round(frame.rotation), 90)
    if rest:
        raise ValueError(
            f'{path} is to be shown at an angle of {frame.rotation} degrees. '
            'Fix: convert it to an upright video first.'
        )
    return turns % 4


def _upright(frame, size: Tuple[int, int], turns: int) -> np.ndarray:
    """Decoded picture -> upright (H, W, 3) uint8 BGR."""
    height, width = size  # of the first picture; streams may change theirs
    frame = converted(frame, format='bgr24', width=width, height=height)
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(), turns))


def read_frames(
    path: Union[str, Path],
    num_frames: int,
    sampling: str = 'index',
    size: Optional[Tuple[int, int]] = None,
) -> List[np.ndarray]:
    """Take one picture of each second.

    Args:
        path (str or Path): A video.
        num_frames (int): T, the first so many seconds.
        sampling (str): ``'index'``: picture number int((l + 15/16) *
            round(fps)) for second l, as AVSBench's released scripts do; drifts
            where the rate is not a whole number (at 7.3 fps by 0.2 s in five).
            ``'time'``: the picture that is shown at l + 15/16 s, for variable
            frame rate.
        size (tuple[int, int], optional): Height and width to resize to, by
            OpenCV's bilinear interpolation. Defaults to None: as they are.

    Returns:
        list[np.ndarray]: T pictures (H, W, 3) uint8 BGR, upright: a rotation
        noted in the file is applied.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: See :class:`VideoPictures`; a video that is too short or
            cut off before, no frame rate where one is needed, or unknown
            ``sampling``.
    """
    if sampling not in SAMPLINGS:
        raise ValueError(
            f'sampling must be one of {SAMPLINGS}, got {sampling!r}'
        )
    pictures = VideoPictures(path)
    choose = _by_index if sampling == 'index' else _by_time
    return [
        _resized(picture, size) for picture in choose(pictures, num_frames)
    ]


def _by_index(pictures: VideoPictures, num_frames: int) -> List[Picture]:
    """Pictures by number in the order of decoding."""
    if not pictures.states_rate:
        raise ValueError(
            f'{pictures.path} does not state its frame rate. Fix: '
            "sampling='time'."
        )
    rate = max(1, round(float(pictures.rate)))
    wanted = [
        int((second + FRAME_OFFSET) * rate) for second in range(num_frames)
    ]
    found: Dict[int, Picture] = {}
    count = 0
    for picture in pictures:
        if count in wanted:
            found[count] = picture
        count += 1
        if count > wanted[-1]:
            break
    else:
        _check_length(pictures, count / rate, num_frames)
    # As released: where the last second is not whole, its last picture.
    return [found.get(index, picture) for index in wanted]


def _by_time(pictures: VideoPictures, num_frames: int) -> List[Picture]:
    """Pictures by the time at which they are shown."""
    chosen: List[Picture] = []
    for picture in pictures:
        until = picture.time + picture.seconds
        while len(chosen) + FRAME_OFFSET < until:
            chosen.append(picture)
            if len(chosen) == num_frames:
                return chosen
    _check_length(pictures, until, num_frames)
    return chosen + [picture] * (num_frames - len(chosen))


def _check_length(
    pictures: VideoPictures, seconds: float, num_frames: int
) -> None:
    """Refuse a video whose pictures ended before the last second."""
    if pictures.missing is not None:
        raise ValueError(
            f'{pictures.path} is cut off: its pictures should last until '
            f'{pictures.missing[1]:.2f} s, and end at '
            f'{pictures.missing[0]:.2f} s. Fix: download the whole clip, or '
            'leave it out.'
        )
    if seconds <= num_frames - 1:
        raise ValueError(
            f'{pictures.path} lasts for {seconds:.2f} s; pictures of '
            f'{num_frames} seconds are asked for. Fix: download the whole '
            'clip, or leave it out.'
        )


def _resized(picture: Picture, size: Optional[Tuple[int, int]]) -> np.ndarray:
    import cv2

    image = picture.read()
    if size is not None and image.shape[:2] != tuple(size):
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    return image

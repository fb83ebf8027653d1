"""Pictures of a video, one a second."""

from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

import numpy as np

from mmavs.compat.av_files import decode, open_media, picture_stream, upright

SAMPLINGS = ('index', 'time')
FRAME_OFFSET = 15 / 16  # s into its second; AVSBench's preprocessing scripts


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
        sampling (str): ``'index'``: picture number
            int((l + 15/16) * round(fps)) for second l, as AVSBench's released
            scripts do; drifts where the rate is not a whole number (at 7.3
            fps by 0.2 s in five). ``'time'``: the picture that is shown at
            l + 15/16 s, for variable frame rate. Defaults to ``'index'``.
        size (tuple[int, int], optional): Height and width to resize to, by
            OpenCV's bilinear interpolation. Defaults to None: as they are.

    Returns:
        list[np.ndarray]: T pictures (H, W, 3) uint8 BGR, upright: a rotation
        noted in the file is applied.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No video that can be read, no pictures in it, too short,
            a rotation that is no quarter turn, or unknown ``sampling``.
    """
    if sampling not in SAMPLINGS:
        raise ValueError(
            f'sampling must be one of {SAMPLINGS}, got {sampling!r}'
        )
    with open_media(path) as container:
        stream = picture_stream(container, path)
        if sampling == 'index':
            chosen = _by_index(container, stream, num_frames, path)
        else:
            chosen = _by_time(container, stream, num_frames, path)
        return [_to_array(frame, size, path) for frame in chosen]


def _by_index(container, stream, num_frames: int, path) -> list:
    """Pictures by number in the order of decoding."""
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise ValueError(
            f"{path} does not state its frame rate. Mend: sampling='time'."
        )
    rate = max(1, round(float(rate)))
    wanted = [
        int((second + FRAME_OFFSET) * rate) for second in range(num_frames)
    ]
    found: Dict[int, object] = {}
    count, last = 0, None
    for frame in decode(container, stream, path):
        if count in wanted:
            found[count] = frame
        count, last = count + 1, frame
        if count > wanted[-1]:
            break
    if count <= (num_frames - 1) * rate:
        raise _too_short(path, count / rate, num_frames)
    # As released: where the last second is not whole, its last picture.
    return [found.get(index, last) for index in wanted]


def _by_time(container, stream, num_frames: int, path) -> list:
    """Pictures by the time at which they are shown."""
    chosen, shown, start, time = [], None, None, 0.0
    for frame in decode(container, stream, path):
        if frame.time is None:
            raise ValueError(
                f"{path} has pictures without time. Mend: sampling='index'."
            )
        start = frame.time if start is None else start
        time = frame.time - start
        while len(chosen) < num_frames and shown is not None:
            if time <= len(chosen) + FRAME_OFFSET:
                break
            chosen.append(shown)
        if len(chosen) == num_frames:
            return chosen
        shown = frame
    rate = stream.average_rate or stream.guessed_rate
    lasts = time + (1 / float(rate) if rate else 0.0)
    if shown is None or lasts <= num_frames - 1:
        raise _too_short(path, lasts, num_frames)
    return chosen + [shown] * (num_frames - len(chosen))


def _too_short(path, seconds: float, num_frames: int) -> ValueError:
    return ValueError(
        f'{path} lasts for {seconds:.2f} s; pictures of {num_frames} seconds '
        'are asked for. Mend: download the whole clip, or leave it out.'
    )


def _to_array(frame, size: Optional[Tuple[int, int]], path) -> np.ndarray:
    """Decoded picture -> upright (H, W, 3) uint8 BGR."""
    import cv2

    turns, rest = divmod(frame.rotation, 90)
    if rest:
        raise ValueError(
            f'{path} is to be shown at an angle of {frame.rotation} degrees. '
            'Mend: convert it to an upright video first.'
        )
    image = upright(frame, turns)
    if size is not None and image.shape[:2] != tuple(size):
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    return image

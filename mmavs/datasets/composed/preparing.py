"""From a file of any kind to what clips are drawn and mixed of.

Cut-outs become small RGBA pictures, recordings 16 kHz mono without silence,
backgrounds pictures somewhat larger than a frame, each written once.
"""

from pathlib import Path
from typing import List, Tuple

import cv2
import numpy as np

from mmavs.audio.sound_track import read_sound
from mmavs.files.whole_files import write_picture
from mmavs.media.picture_files import open_picture, read_picture
from mmavs.media.video import VideoPictures

from ..synthetic.scene import VIDEO_FPS
from ..synthetic.timbres import SAMPLE_RATE
from ..synthetic.writers import to_int16, write_wav
from .coco import instance_mask
from .items import PICTURE, SOUND, Item
from .own_folders import VIDEO_SUFFIXES

MIN_OPAQUE = 64  # pixels of a cut-out
LONGEST_SECONDS = 30  # of a recording, the rest is not read on
SHORTEST_SECONDS = 0.1
SILENCE_DB = -60  # below full scale
GAP_DB = -40  # below the recording's loudest 20 ms
_GAP_SECONDS = 0.15  # longer pauses become as short as this
_FRAME = SAMPLE_RATE // 50
_EDGE = SAMPLE_RATE // 200  # samples of a ramp where sound was cut
VIDEO_SECONDS = 10
BACKGROUND_SCALE = 1.75  # of the frame's shorter side


def prepare(item: Item, target: Path, size: int) -> None:
    """Write what an item becomes, unless it is there.

    Args:
        item (Item): The file.
        target (Path): Where to; a background's is a folder.
        size (int): Shorter side of the frames in pixels.

    Raises:
        ValueError: It cannot be used; the message is the reason.
        OSError: It cannot be read.
    """
    if target.exists():
        return
    if item.role == PICTURE:
        write_picture(target, cut_out(item, size))
    elif item.role == SOUND:
        write_wav(target, to_int16(dense_sound(read_sound(item.path).numpy())))
    else:
        _write_background(target, background_pictures(item.path, size))


def cut_out(item: Item, size: int) -> np.ndarray:
    """Read an object without what is around it.

    Args:
        item (Item): A picture with alpha, or a photograph with an instance.
        size (int): Longer side of the result at most, in pixels.

    Returns:
        np.ndarray: (H, W, 4) uint8, BGR and opacity.

    Raises:
        ValueError: Without alpha, or with none that cuts something out.
    """
    if item.instance is not None:
        picture = read_picture(item.path)
        alpha = instance_mask(item.instance, picture.shape[:2])
    else:
        picture, alpha = _read_with_alpha(item.path)
    if np.count_nonzero(alpha > 127) < MIN_OPAQUE:
        raise ValueError('its alpha is empty: nothing in it is opaque')
    if alpha.min() > 127 and item.instance is None:
        raise ValueError(
            'it is opaque everywhere, not cut out. Fix: make what is around '
            'the object transparent'
        )
    rows, columns = (np.flatnonzero((alpha > 0).any(a)) for a in (1, 0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _shrink(np.dstack([picture[window], alpha[window]]), size)


def _read_with_alpha(path: Path) -> Tuple[np.ndarray, np.ndarray]:
    image = open_picture(path)
    if 'A' not in image.getbands() and 'transparency' not in image.info:
        raise ValueError(
            'it has no alpha. Fix: give a PNG whose background is transparent'
        )
    rgba = np.asarray(image.convert('RGBA'))
    return np.ascontiguousarray(rgba[..., 2::-1]), rgba[..., 3].copy()


def _shrink(image: np.ndarray, longest: int) -> np.ndarray:
    """Make a cut-out smaller; colours count as much as they are opaque."""
    scale = longest / max(image.shape[:2])
    if scale >= 1:
        return image
    alpha = image[..., 3:].astype(np.float32) / 255
    width, height = (max(1, round(scale * n)) for n in image.shape[1::-1])
    area = dict(dsize=(width, height), interpolation=cv2.INTER_AREA)
    colors = cv2.resize(image[..., :3] * alpha, **area)
    alpha = cv2.resize(alpha, **area)[..., None]
    colors /= np.maximum(alpha, 1e-6)
    return np.round(np.dstack([colors, alpha * 255])).astype(np.uint8)


def dense_sound(wave: np.ndarray) -> np.ndarray:
    """Take the silence out of a recording.

    What is 40 dB softer than the loudest 20 ms counts as a pause; of pauses
    0.15 s stay, so that no second of a sounding object is silent.

    Args:
        wave (np.ndarray): (S,) float32 in [-1, 1] at 16 kHz.

    Returns:
        np.ndarray: (S',) float32 of peak 0.98.

    Raises:
        ValueError: It is silent, or shorter than 0.1 s.
    """
    wave = wave[: LONGEST_SECONDS * SAMPLE_RATE]
    frames = np.pad(wave, (0, -len(wave) % _FRAME)).reshape(-1, _FRAME)
    loudness = np.sqrt(np.mean(frames**2, axis=1))
    if loudness.max(initial=0) < 10 ** (SILENCE_DB / 20):
        raise ValueError('it is silent')
    heard = loudness > loudness.max() * 10 ** (GAP_DB / 20)
    # frames since the last that was heard; before the first: many
    places = np.arange(len(heard))
    last = np.maximum.accumulate(np.where(heard, places, -len(heard) - 99))
    kept = places - last <= _GAP_SECONDS * SAMPLE_RATE / _FRAME
    kept[np.flatnonzero(heard)[-1] + 1 :] = False
    if kept.sum() * _FRAME < SHORTEST_SECONDS * SAMPLE_RATE:
        raise ValueError(f'it sounds for less than {SHORTEST_SECONDS} s')
    dense = (frames * _ramps(kept)).reshape(-1, _FRAME)[kept].reshape(-1)
    return dense * np.float32(0.98 / np.abs(dense).max())


def _ramps(kept: np.ndarray) -> np.ndarray:
    """Fade in and out where the neighbour is cut out, (F, _FRAME)."""
    gains = np.ones((len(kept), _FRAME), np.float32)
    ramp = np.linspace(0, 1, _EDGE, dtype=np.float32)
    before = np.concatenate([[False], kept[:-1]])
    after = np.concatenate([kept[1:], [False]])
    gains[~before, :_EDGE] *= ramp
    gains[~after, -_EDGE:] *= ramp[::-1]
    return gains


def background_pictures(path: Path, size: int) -> List[np.ndarray]:
    """Read a background.

    Args:
        path (Path): A picture, or a video of which ten seconds are taken at
            8 pictures per second.
        size (int): Shorter side of the frames in pixels.

    Returns:
        list[np.ndarray]: (H, W, 3) uint8 BGR, the shorter side 1.75 ``size``.

    Raises:
        ValueError: Neither can be read.
    """
    if path.suffix.lower() in VIDEO_SUFFIXES:
        pictures = _sample_video(path)
    else:
        pictures = [read_picture(path)]
    scale = BACKGROUND_SCALE * size / min(pictures[0].shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    height, width = (round(scale * n) for n in pictures[0].shape[:2])
    return [
        cv2.resize(p, (width, height), interpolation=way) for p in pictures
    ]


def _sample_video(path: Path) -> List[np.ndarray]:
    pictures, due = [], 0.0
    for picture in VideoPictures(path):
        if picture.time + picture.seconds > due:
            pictures.append(picture.read())
            due += 1 / VIDEO_FPS
        if len(pictures) == VIDEO_SECONDS * VIDEO_FPS:
            break
    return pictures


def _write_background(target: Path, pictures: List[np.ndarray]) -> None:
    """Write a folder of pictures; the name appears when all are there."""
    partial = target.with_name(f'.{target.name}')
    for number, picture in enumerate(pictures):
        quality = (cv2.IMWRITE_JPEG_QUALITY, 95)
        write_picture(partial / f'{number:03d}.jpg', picture, *quality)
    partial.rename(target)

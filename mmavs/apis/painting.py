"""Videos that show what sounds: paint over the pictures, or alpha."""

from contextlib import ExitStack
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Union

import numpy as np

from mmavs.files.whole_files import whole_file
from mmavs.media.picture_files import resize_labels
from mmavs.media.sources import Media
from mmavs.media.video_writer import VideoWriter, kind_of
from mmavs.visualization.regions import Region

from .shown import ComputedMasks, FittedMasks
from .timing import TOLERANCE

# image (H, W, 3) uint8 RGB, labels (h, w) uint8, their regions -> a picture
Painter = Callable[[np.ndarray, np.ndarray, List[Region]], np.ndarray]


def write_videos(
    painters: Dict[Path, Painter],
    media: Media,
    shown: Union[ComputedMasks, FittedMasks],
) -> None:
    """Go through the pictures again, and paint the masks on as they come.

    Args:
        painters (dict[Path, callable]): Files, each with what makes its
            pictures; they appear once they are whole.
        media (Media): Pictures and sound.
        shown (ComputedMasks or FittedMasks): Says which mask is on screen.
    """
    pictures = iter(media.pictures)  # what comes live comes from here on
    with ExitStack() as stack:
        writers = []
        for path, painter in painters.items():
            partial = stack.enter_context(whole_file(path))
            writer = VideoWriter(
                partial,
                media.pictures.size,
                media.pictures.rate,
                media.sound,
                media.pictures.pixel_aspect,
            )
            writers.append((stack.enter_context(writer), painter))
        shown.at(0)
        for picture in pictures:
            index = int((picture.time + TOLERANCE) * shown.fps)
            labels, regions = shown.at(index)
            image = picture.read()[..., ::-1]
            for writer, painter in writers:
                painted = painter(image, labels, regions)
                writer.write(painted, picture.time, picture.seconds)


def overlay_painter(palette: Sequence, opacity: float) -> Painter:
    """Paint what sounds over the pictures, with a legend of names.

    Args:
        palette (Sequence): RGB colour of each value.
        opacity (float): Of the paint, 0..1.
    """
    from mmavs.visualization.legend import draw_legend
    from mmavs.visualization.paint import paint_regions

    def paint(image, labels, regions):
        image = paint_regions(
            image, labels, regions, palette, opacity, names=False
        )
        present = np.flatnonzero(np.bincount(labels.ravel(), minlength=1))
        regions = [r for r in regions if r.value in present]
        return draw_legend(image, regions, palette)

    return paint


def plain_painter(palette: Sequence, opacity: float) -> Painter:
    """Paint as :func:`overlay_painter`, without OpenCV: no lines."""
    colours = np.zeros((256, 3), np.float32)
    colours[: len(palette)] = palette[:256]

    def paint(image, labels, regions):
        sounding = {region.value for region in regions if region.sounding}
        shown = np.isin(labels, [*sounding])
        labels = resize_labels(np.where(shown, labels, 0), image.shape[:2])
        painted = labels > 0
        mixed = image.astype(np.float32)
        mixed[painted] *= 1 - opacity
        mixed[painted] += opacity * colours[labels[painted]]
        names = {r.value: r.name for r in regions if r.value in sounding}
        return _named(mixed.round().astype(np.uint8), names, palette)

    return paint


def _named(
    image: np.ndarray, names: Dict[int, str], palette: Sequence
) -> np.ndarray:
    """Write names in their colours, top left; (H, W, 3) uint8 RGB."""
    if not names:
        return image
    from PIL import Image, ImageDraw, ImageFont

    size = max(10, round(min(image.shape[:2]) / 22))
    font = ImageFont.load_default(size)
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    for row, (value, name) in enumerate(sorted(names.items())):
        draw.text(
            (size // 2, size // 2 + row * round(1.3 * size)),
            name,
            fill=tuple(int(c) for c in palette[value]),
            font=font,
            stroke_width=max(1, size // 10),
            stroke_fill=(30, 30, 30),
        )
    return np.asarray(picture)


def alpha_painter(path: Path) -> Painter:
    """Cut out what sounds; of a kind of video without alpha, as a matte."""
    has_alpha = kind_of(path).alpha

    def paint(image, labels, regions):
        sounding = np.zeros(256, np.uint8)
        sounding[[r.value for r in regions if r.sounding]] = 255
        alpha = resize_labels(sounding[labels], image.shape[:2])
        if has_alpha:
            return np.dstack([image, alpha])
        return np.repeat(alpha[..., None], 3, axis=2)

    return paint

"""What an inferencer writes: an overlay, masks, and progress on the way."""

from math import ceil
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from mmavs.visualization.paint import paint_regions

from .media import Media
from .results import MaskFrame, ResultReader, from_png, to_png
from .sound import has_sound
from .timing import TOLERANCE
from .video_writer import VideoWriter, find_encoder


def check_outputs(
    video: Optional[Path],
    folder: Optional[Path],
    summary: Optional[Path],
    overwrite: bool,
) -> None:
    """Fail before hours of work, not after.

    Raises:
        FileExistsError: An output exists and may not be overwritten.
        ValueError: The video's name does not end in ``.mp4``.
        RuntimeError: PyAV has no H.264 encoder.
    """
    if video is not None:
        find_encoder()
        if video.suffix.lower() != '.mp4':
            raise ValueError(f'the output video must end in .mp4, got {video}')
    taken = [p for p in (video, summary) if p is not None and p.exists()]
    if folder is not None and folder.is_dir():
        taken += sorted(folder.glob('*.png'))[:1]
    if taken and not overwrite:
        raise FileExistsError(
            f'{taken[0]} exists already. Mend: name another output, or allow '
            'to overwrite (overwrite=True, --overwrite).'
        )


def protect_input(media: Media, video: Optional[Path]) -> None:
    """Refuse to write the overlay over what it is made from.

    Raises:
        FileExistsError: It would be, whatever may be overwritten.
    """
    inputs = (media.pictures.path, media.sound_path)
    if video is not None and video.resolve() in [
        path.resolve() for path in inputs if path is not None
    ]:
        raise FileExistsError(
            f'{video} is the input itself. Mend: name another output.'
        )


def record(
    masks: Iterator[MaskFrame],
    fps: int,
    size: Tuple[int, int],
    folder: Optional[Path],
    rows: List[dict],
) -> Iterator[MaskFrame]:
    """Write each mask's files and its row of the summary while it passes.

    Args:
        masks (Iterator[MaskFrame]): In the order of time.
        fps (int): Masks per second.
        size (tuple[int, int]): Height and width of the files.
        folder (Path, optional): Where to; None writes no files.
        rows (list[dict]): Grows by one a mask.

    Yields:
        MaskFrame: As given.
    """
    for frame in masks:
        row = dict(
            start=round(frame.index / fps, 4),
            end=round((frame.index + 1) / fps, 4),
            objects=frame.objects,
        )
        if folder is not None:
            row['files'] = _write_masks(frame, folder, size)
        rows.append(row)
        yield frame


def _write_masks(
    frame: MaskFrame, folder: Path, size: Tuple[int, int]
) -> List[str]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, data in (
        ('', frame.segmentation),
        ('_instances', frame.instances),
    ):
        if data is not None:
            name = f'{frame.index:06d}{suffix}.png'
            (folder / name).write_bytes(to_png(from_png(data), size))
            written.append(name)
    return written


def show_progress(
    masks: Iterator[MaskFrame], media: Media, fps: int, progress: bool
) -> Iterator[MaskFrame]:
    """Count masks on a progress bar while they pass."""
    from rich.progress import Progress

    seconds = media.pictures.duration
    total = None if seconds is None else ceil(seconds * fps)
    with Progress(disable=not progress) as bar:
        task = bar.add_task(f'masks of {media.name}', total=total)
        for frame in masks:
            bar.advance(task)
            yield frame


def paint_video(
    path: Path,
    media: Media,
    masks: Iterator[MaskFrame],
    fps: int,
    reader: ResultReader,
    opacity: float,
) -> None:
    """Go through the pictures again and paint the masks on as they come.

    Args:
        path (Path): The mp4 file.
        media (Media): Pictures and sound.
        masks (Iterator[MaskFrame]): In the order of time; used up.
        fps (int): Masks per second.
        reader (ResultReader): Says what a mask shows.
        opacity (float): Of the paint, 0..1.
    """
    pictures = media.pictures
    writer = VideoWriter(
        path,
        pictures.size,
        pictures.rate,
        media.sound_path if has_sound(media.sound_path) else None,
        media.sound_start,
        pictures.pixel_aspect,
    )
    try:
        shown = _Shown(masks, reader)
        for picture in pictures:
            index = int((picture.time + TOLERANCE) * fps)
            labels, regions = shown.at(index)
            image = picture.read()[..., ::-1]
            image = paint_regions(
                image, labels, regions, reader.palette, opacity
            )
            writer.write(image, picture.time)
        for _ in masks:  # those that no picture stands for
            pass
        writer.close()
    except BaseException:
        writer.abort()
        raise


class _Shown:
    """The mask that is on screen, decoded once."""

    def __init__(
        self, masks: Iterator[MaskFrame], reader: ResultReader
    ) -> None:
        self.masks, self.reader = masks, reader
        self.index, self.regions = -1, None

    def at(self, index: int) -> Sequence:
        """Labels and regions of mask ``index``, or of the last there is."""
        frame = None
        while self.index < index:
            following = next(self.masks, None)
            if following is None:
                break
            frame, self.index = following, following.index
        if frame is not None:
            self.regions = self.reader.regions(frame)
        return self.regions

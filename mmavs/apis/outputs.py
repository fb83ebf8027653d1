"""What an inferencer writes: an overlay, masks, and progress on the way."""

import json
from glob import escape
from math import ceil
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple, Union

from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.output_folder import OutputFolder, refuse_existing
from mmavs.files.whole_files import remove_remains, whole_file, write_text
from mmavs.media.sound_stream import has_sound
from mmavs.media.sources import Media
from mmavs.media.video_writer import VideoWriter, find_encoder
from mmavs.visualization.paint import paint_regions

from .results import MaskFrame, ResultReader, from_png, to_png
from .timing import TOLERANCE

_Path = Union[str, Path]


class Outputs:
    """The files of one run.

    Each appears under its name once it is whole.

    Args:
        video (str or Path, optional): The overlay, an mp4 file.
        folder (str or Path, optional): Takes the masks.
        summary (str or Path, optional): A JSON file.
        overwrite (bool): Replace what is there of an earlier run.
    """

    def __init__(
        self,
        video: Optional[_Path] = None,
        folder: Optional[_Path] = None,
        summary: Optional[_Path] = None,
        overwrite: bool = False,
    ) -> None:
        self.video = None if video is None else Path(video)
        self.folder = None if folder is None else OutputFolder(folder)
        self.summary = None if summary is None else Path(summary)
        self.overwrite = overwrite

    @property
    def files(self) -> List[Path]:
        """The single files."""
        return [p for p in (self.video, self.summary) if p is not None]

    def check(self, media: Media) -> None:
        """Fail before hours of work, not after; nothing is touched.

        Args:
            media (Media): What is read.

        Raises:
            FileExistsError: An output exists and may not be overwritten, or
                is an input, whatever may be overwritten.
            OSError: It cannot be written, see
                :mod:`mmavs.files.output_folder`.
            ValueError: The video's name does not end in ``.mp4``.
            RuntimeError: PyAV has no H.264 encoder.
        """
        if self.video is not None:
            find_encoder()
            if self.video.suffix.lower() != '.mp4':
                raise ValueError(
                    f'the overlay is an mp4 file, got {self.video}. Fix: name '
                    'it FILE.mp4.'
                )
        folders = [] if self.folder is None else [self.folder.path]
        keep_inputs(media.files, self.files, folders)
        for path in self.files:
            refuse_existing(path, self.overwrite)
        if self.folder is not None:
            self.folder.check(self.overwrite)

    def begin(self) -> None:
        """Make room: remove what earlier runs left, or left half-written."""
        for path in self.files:
            remove_remains(path.parent, escape(path.name))
        if self.folder is None:
            return
        self.folder.claim(self.overwrite)
        root = self.folder.path.resolve()
        for path in self.files:
            if path.resolve().is_relative_to(root):
                self.folder.file(path.resolve().relative_to(root))

    def write_masks(
        self, frame: MaskFrame, size: Tuple[int, int]
    ) -> List[str]:
        """Write a mask's files into the folder.

        Args:
            frame (MaskFrame): The mask.
            size (tuple[int, int]): Height and width of the files.

        Returns:
            list[str]: Their names.
        """
        written = []
        for suffix, data in (
            ('', frame.segmentation),
            ('_instances', frame.instances),
        ):
            if data is not None:
                name = f'{frame.index:06d}{suffix}.png'
                with whole_file(self.folder.file(name)) as partial:
                    partial.write_bytes(to_png(from_png(data), size))
                written.append(name)
        return written

    def write_summary(self, summary: dict) -> None:
        """Write the JSON file, if one is wanted."""
        if self.summary is not None:
            write_text(self.summary, json.dumps(summary, indent=1))


def record(
    masks: Iterator[MaskFrame],
    fps: int,
    size: Tuple[int, int],
    outputs: Outputs,
    rows: List[dict],
) -> Iterator[MaskFrame]:
    """Write each mask's files and its row of the summary while it passes.

    Args:
        masks (Iterator[MaskFrame]): In the order of time.
        fps (int): Masks per second.
        size (tuple[int, int]): Height and width of the files.
        outputs (Outputs): Checked; it begins with the first mask, when inputs
            and model have shown that they work.
        rows (list[dict]): Grows by one per mask.

    Yields:
        MaskFrame: As given.
    """
    for frame in masks:
        if not rows:
            outputs.begin()
        row = dict(
            start=round(frame.index / fps, 4),
            end=round((frame.index + 1) / fps, 4),
            objects=frame.objects,
        )
        if outputs.folder is not None:
            row['files'] = outputs.write_masks(frame, size)
        rows.append(row)
        yield frame


def show_progress(
    masks: Iterator[MaskFrame], media: Media, fps: int, progress: bool
) -> Iterator[MaskFrame]:
    """Count masks on a progress bar while they pass."""
    from rich.markup import escape
    from rich.progress import Progress

    seconds = media.pictures.duration
    total = None if seconds is None else ceil(seconds * fps)
    with Progress(disable=not progress) as bar:
        task = bar.add_task(f'masks of {escape(media.name)}', total=total)
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
        path (Path): The mp4 file; it appears once it is whole.
        media (Media): Pictures and sound.
        masks (Iterator[MaskFrame]): In the order of time; used up.
        fps (int): Masks per second.
        reader (ResultReader): Says what a mask shows.
        opacity (float): Of the paint, 0..1.
    """
    pictures = media.pictures
    sound_path = media.sound_path if has_sound(media.sound_path) else None
    with (
        whole_file(path) as partial,
        VideoWriter(
            partial,
            pictures.size,
            pictures.rate,
            sound_path,
            media.sound_start,
            pictures.pixel_aspect,
        ) as writer,
    ):
        shown = _Shown(masks, reader)
        for picture in pictures:
            index = int((picture.time + TOLERANCE) * fps)
            labels, regions = shown.at(index)
            image = picture.read()[..., ::-1]
            image = paint_regions(
                image, labels, regions, reader.palette, opacity
            )
            writer.write(image, picture.time, picture.seconds)
        for _ in masks:  # those that no picture stands for
            pass


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

"""What an inferencer writes: videos, masks, a summary."""

import json
from glob import escape
from pathlib import Path
from typing import List, Optional, Tuple, Union

from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.output_folder import OutputFolder, refuse_existing
from mmavs.files.whole_files import remove_remains, whole_file, write_text
from mmavs.media.sources import Media
from mmavs.media.video_writer import find_encoder, kind_of

from .mask_frames import MaskFrame, from_png, to_png

_Path = Union[str, Path]


class Outputs:
    """The files of one run.

    Each appears under its name once it is whole.

    Args:
        video (str or Path, optional): The overlay, an mp4 file.
        alpha (str or Path, optional): What sounds, for a video editor: a mov
            or webm file with the rest transparent, or an mp4 file that is
            white where it sounds (a matte).
        folder (str or Path, optional): Takes the masks.
        summary (str or Path, optional): A JSON file.
        overwrite (bool): Replace what is there of an earlier run.
    """

    def __init__(
        self,
        *,
        video: Optional[_Path] = None,
        alpha: Optional[_Path] = None,
        folder: Optional[_Path] = None,
        summary: Optional[_Path] = None,
        overwrite: bool = False,
    ) -> None:
        self.video = None if video is None else Path(video)
        self.alpha = None if alpha is None else Path(alpha)
        self.folder = None if folder is None else OutputFolder(folder)
        self.summary = None if summary is None else Path(summary)
        self.overwrite = overwrite

    @property
    def files(self) -> List[Path]:
        """The single files."""
        files = (self.video, self.alpha, self.summary)
        return [path for path in files if path is not None]

    def check(self, media: Media) -> None:
        """Fail before hours of work, not after; nothing is touched.

        Raises:
            FileExistsError: An output exists and may not be overwritten, or
                is an input, whatever may be overwritten.
            OSError: It cannot be written, see
                :mod:`mmavs.files.output_folder`.
            ValueError: A video's name has another ending.
            RuntimeError: PyAV has no encoder.
        """
        if self.video is not None and self.video.suffix.lower() != '.mp4':
            raise ValueError(
                f'the overlay is an mp4 file, got {self.video}. Fix: name it '
                'FILE.mp4.'
            )
        for path in filter(None, (self.video, self.alpha)):
            find_encoder(kind_of(path))
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

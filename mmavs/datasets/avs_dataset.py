"""Anyone's clips: frames, sound and, if there are any, masks."""

import logging
from collections import Counter
from pathlib import Path
from typing import Dict, Iterable, List, Optional

from mmengine.logging import print_log

from mmavs.media.listing import IMG_SUFFIXES, list_images
from mmavs.registry import DATASETS

from .base import AVSClipDataset, clip_info


@DATASETS.register_module()
class AVSDataset(AVSClipDataset):
    """Clips of any length, with classes of one's own.

    Frame t belongs to second t of the sound: one frame per second, in the
    natural order of file names (``2.png`` before ``10.png``). A mask belongs
    to the frame with the same stem; frames without a mask are unlabelled.
    Either folders below ``data_root`` (without the first one if ``split`` is
    None)::

        {split}/frames/{clip}/*.png|jpg|jpeg|bmp|webp
        {split}/audio/{clip}.wav
        {split}/masks/{clip}/*.png                   optional

    or a csv with the columns ``clip_id``, ``frames`` (folder), ``audio``
    (file) and, if wanted, ``masks`` (folder), ``split``, ``category``; paths
    count from ``data_root`` and stay below it.

    Args:
        data_root (str): Folder of the data.
        split (str, optional): Any name; None takes all clips.
        ann_file (str, optional): The csv. None reads the folders.
        mask_encoding (str, optional): See :class:`LoadFrameMask`. Defaults to
            'binary' for two classes, else to 'index'.
        metainfo (dict, optional): ``classes``, background first, and
            ``palette``. Defaults to background and sounding.
        **kwargs: See :class:`AVSClipDataset`.

    Raises:
        FileNotFoundError: A folder or file is absent.
        ValueError: A clip without frames or listed twice, masks without their
            frames, or two frames of one name.
    """

    SPLITS = ()

    def __init__(
        self,
        data_root: str,
        split: Optional[str] = 'train',
        *,
        mask_encoding: Optional[str] = None,
        **kwargs,
    ) -> None:
        self.mask_encoding = mask_encoding
        super().__init__(data_root, split, **kwargs)

    def list_clips(self) -> List[dict]:
        """List the rows of the csv, or the folders."""
        if self.ann_file:
            folders = ['frames', 'audio']
            paths = [*folders, 'masks', 'category']
            rows = self.split_rows('clip_id', folders, paths)
        else:
            rows = self._folder_rows()
        clips = [self._clip(row) for row in rows]
        if clips and not any(clip['labeled_frames'] for clip in clips):
            print_log(
                f'no clip of split {self.split!r} in {self.data_root} has a '
                'mask: there is nothing to train on and nothing to score.',
                logger='current',
                level=logging.WARNING,
            )
        return clips

    def _folder_rows(self) -> List[dict]:
        base = Path(self.split or '')
        frames = Path(self.data_root) / base / 'frames'
        if not frames.is_dir():
            raise FileNotFoundError(
                f'frames not found: {frames}. Fix: lay the clips out as '
                'docs/en/your_dataset.md shows, or give a csv by ann_file.'
            )
        names = _folders(frames)
        masks = _folders(Path(self.data_root) / base / 'masks')
        strangers = sorted(set(masks) - set(names))
        if strangers:
            raise ValueError(
                f'{Path(self.data_root) / base / "masks"} holds masks of '
                f'{len(strangers)} clips that have no frames, the first is '
                f'{strangers[0]!r}. Fix: name folders of masks like those '
                'of the frames.'
            )
        return [
            dict(
                clip_id=name,
                frames=base / 'frames' / name,
                audio=base / 'audio' / f'{name}.wav',
                masks=base / 'masks' / name,
            )
            for name in names
        ]

    def _clip(self, row: dict) -> dict:
        root, clip_id = Path(self.data_root), row['clip_id']
        img_paths = list_images(root / row['frames'])
        if not img_paths:
            raise ValueError(
                f'clip {clip_id} of {self.ann_file or root}: no picture in '
                f'{root / row["frames"]}. Fix: put one frame per second '
                f'there, as {IMG_SUFFIXES}.'
            )
        _check_stems(img_paths)
        masks = self._masks(row, [path.stem for path in img_paths])
        return clip_info(
            clip_id,
            img_paths,
            [masks.get(path.stem) for path in img_paths],
            root / row['audio'],
            mask_encoding=self._encoding(),
            category=row.get('category'),
        )

    def _masks(self, row: dict, stems: List[str]) -> Dict[str, Path]:
        """Masks of a clip by stem; none if the row names no folder."""
        if not row.get('masks'):
            return {}
        folder = Path(self.data_root) / row['masks']
        if self.ann_file and not folder.is_dir():
            raise FileNotFoundError(
                f'clip {row["clip_id"]}: masks not found: {folder}. Fix: '
                f'correct {self.ann_file}; leave the value empty for a clip '
                'without labels.'
            )
        paths = list_images(folder)
        _check_stems(paths)
        masks = {path.stem: path for path in paths}
        orphans = sorted(set(masks) - set(stems))
        if orphans:
            raise ValueError(
                f'{masks[orphans[0]]} has no frame of the same name. Fix: '
                'name masks like their frames.'
            )
        return masks

    def _encoding(self) -> str:
        if self.mask_encoding is not None:
            return self.mask_encoding
        return 'binary' if len(self._metainfo['classes']) == 2 else 'index'


def _folders(folder: Path) -> List[str]:
    """Names of the folders in a folder, if it is there, but hidden ones."""
    if not folder.is_dir():
        return []
    paths = [path for path in folder.iterdir() if path.is_dir()]
    return sorted(path.name for path in paths if path.name[0] != '.')


def _twice(names: Iterable[str]) -> List[str]:
    """Names that come more than once."""
    return [name for name, times in Counter(names).items() if times > 1]


def _check_stems(paths: List[Path]) -> None:
    """Raise ValueError if two pictures have one name but for the suffix."""
    twice = _twice(path.stem for path in paths)
    if twice:
        raise ValueError(
            f'{paths[0].parent} holds several pictures called {twice[0]!r}. '
            'Fix: keep one of them.'
        )

"""What every data set of clips shares."""

from abc import abstractmethod
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

from mmengine.dataset import BaseDataset

from mmavs.files.text_files import Row, read_rows

from .synthetic import read_side_file

BINARY_METAINFO = dict(
    classes=('background', 'sounding'), palette=[[0, 0, 0], [230, 60, 60]]
)


class AVSClipDataset(BaseDataset):
    """One sample is one clip: T frames, their masks and their sound.

    A subclass lists its clips in :meth:`list_clips`; :func:`clip_info` gives
    the form. ``get_data_info`` then holds:

    - ``clip_id`` (str), ``audio_path`` (str), ``num_frames`` (int, T),
    - ``frames``: T complete mmseg results dicts (``img_path``,
      ``seg_map_path`` or None, ``frame_id``, ``seg_fields``,
      ``reduce_zero_label``, and for :class:`LoadFrameMask` ``mask_encoding``
      and the files' ``num_classes``, ``palette``, and ``label_map`` or None),
    - ``labeled_frames``: indices of the frames that are supervised,
    - ``category`` (str or None),
    - ``group`` ('constant', 'switching' or None): whether what sounds changes
      within the clip; known for synthetic data only.

    Args:
        data_root (str): Folder of the data.
        split (str, optional): 'train', 'val' or 'test'.
        ann_file (str, optional): List of clips, below ``data_root``.
            Defaults to the data set's own (``ANN_FILE``).
        metainfo (dict, optional): ``classes`` and ``palette``. As in mmseg,
            some of the data set's own classes, in any order, make a data set
            of those alone: labels are renumbered, pixels of the others
            become 255 (ignored). Names that are not all its own say what
            the labels are called, as they are.
        pipeline (Sequence[dict]): Transforms of a clip.
        check_files (bool): Look for every file when the clips are listed; of
            sound, those that the pipeline reads (released log-mels instead of
            wav files, say). Switch it off where that takes long.
        **kwargs: See mmengine's ``BaseDataset``: ``indices`` (use these clips
            alone, or the first so many), ``test_mode``, ``lazy_init``, ...

    Raises:
        FileNotFoundError: The root, the list or a file of a clip is absent.
        ValueError: An unknown split, or a list that cannot be used.
    """

    METAINFO: dict = BINARY_METAINFO
    ANN_FILE: str = ''
    SPLITS: tuple = ('train', 'val', 'test')  # empty: any name

    def __init__(
        self,
        data_root: str,
        split: Optional[str] = 'train',
        *,
        ann_file: Optional[str] = None,
        metainfo: Optional[dict] = None,
        pipeline: Sequence[dict] = (),
        check_files: bool = True,
        **kwargs,
    ) -> None:
        if self.SPLITS and split not in self.SPLITS:
            raise ValueError(
                f'unknown split {split!r}. Fix: take one of {self.SPLITS}'
            )
        self.split = split
        self.check_files = check_files
        metainfo = dict(metainfo or {})
        self.label_map = _label_map(self.METAINFO, metainfo)
        super().__init__(
            ann_file=self.ANN_FILE if ann_file is None else ann_file,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix={},
            pipeline=list(pipeline),
            **kwargs,
        )

    def split_rows(
        self, name: str, columns: Sequence[str], paths: Sequence[str] = ()
    ) -> List[Row]:
        """Read the rows of the split from ``ann_file``, one per clip.

        Args:
            name (str): Column of the clips' names.
            columns (Sequence[str]): Further columns that must be there.
            paths (Sequence[str]): Further columns, there or not, that become
                part of a path.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: See :func:`~mmavs.files.text_files.read_rows`; a clip
                that is listed twice.
        """
        columns = [name, *columns]
        if self.split is not None:
            columns.append('split')
        rows = read_rows(self.ann_file, columns, [name, *paths])
        rows = [row for row in rows if self.split in (None, row.get('split'))]
        refuse_twice(rows, name, self.ann_file)
        return rows

    @abstractmethod
    def list_clips(self) -> List[dict]:
        """List all clips of the split, each made by :func:`clip_info`."""

    def load_data_list(self) -> List[dict]:
        """List the clips, look for their files, add their groups."""
        root = Path(self.data_root)
        if not root.is_dir():
            raise FileNotFoundError(
                f'data root not found: {root}. Fix: put the data there (see '
                'docs/en/datasets.md), set data_root to where they are, or '
                'try any config without data: tools/train.py --synthetic.'
            )
        clips = self.list_clips()
        if not clips:
            raise ValueError(
                f'{self.ann_file or root} lists no clip of split '
                f'{self.split!r}. Fix: check the split column or folder.'
            )
        if self.check_files:
            source = self.ann_file or str(root)
            check_clip_files(clips, self._sound_files, source)
        side = read_side_file(root)
        known = side['clips'] if side else {}
        for clip in clips:
            clip['group'] = known.get(clip['clip_id'], {}).get('group')
        return clips

    def _sound_files(self, clip: dict) -> List[str]:
        """List the files of a clip's sound that the pipeline reads."""
        transforms = self.pipeline.transforms
        if not transforms:
            return [clip['audio_path']]
        readers = [t for t in transforms if hasattr(t, 'sound_file')]
        return [reader.sound_file(clip) for reader in readers]

    def get_data_info(self, idx: int) -> dict:
        """Give one clip; its frames know classes and palette of the files."""
        info = super().get_data_info(idx)
        files = self.METAINFO if self.label_map else self._metainfo
        for frame in info['frames']:
            frame.update(
                num_classes=len(files['classes']),
                palette=files['palette'],
                label_map=self.label_map,
            )
        return info


def _label_map(own: dict, chosen: dict) -> Optional[Dict[int, int]]:
    """Map labels of a data set to those of some of its classes.

    Args:
        own (dict): ``classes`` and ``palette`` of the files.
        chosen (dict): What is asked for; gets the palette of its classes.

    Returns:
        dict[int, int], optional: Old label to new; 255 without. None if the
        labels stay as they are.
    """
    classes = tuple(chosen.get('classes', own['classes']))
    if classes == tuple(own['classes']) or not set(classes) <= set(
        own['classes']
    ):
        return None
    places = [own['classes'].index(name) for name in classes]
    chosen.setdefault('palette', [own['palette'][old] for old in places])
    new = {old: label for label, old in enumerate(places)}
    return {old: new.get(old, 255) for old in range(len(own['classes']))}


def clip_info(
    clip_id: str,
    img_paths: Sequence[Path],
    mask_paths: Sequence[Optional[Path]],
    audio_path: Path,
    mask_encoding: str = 'binary',
    category: Optional[str] = None,
) -> dict:
    """Describe one clip.

    Args:
        clip_id (str): Its name, unique in the split.
        img_paths (Sequence[Path]): T frames in the order of time.
        mask_paths (Sequence[Path or None]): Their masks; None, or an end that
            comes too early, means unlabelled.
        audio_path (Path): Its sound; second t goes with frame t.
        mask_encoding (str): See :class:`LoadFrameMask`.
        category (str, optional): What it shows.

    Returns:
        dict: See :class:`AVSClipDataset`.
    """
    missing = len(img_paths) - len(mask_paths)
    masks = [*mask_paths, *[None] * missing]
    frames = [
        dict(
            img_path=str(img_path),
            seg_map_path=mask and str(mask),
            frame_id=t,
            mask_encoding=mask_encoding,
            seg_fields=[],
            label_map=None,
            reduce_zero_label=False,
        )
        for t, (img_path, mask) in enumerate(zip(img_paths, masks))
    ]
    return dict(
        clip_id=clip_id,
        audio_path=str(audio_path),
        num_frames=len(frames),
        frames=frames,
        labeled_frames=[t for t, mask in enumerate(masks) if mask],
        category=category,
    )


def refuse_twice(rows: Sequence[Row], column: str, path: str) -> None:
    """Refuse a list that names a clip twice.

    Raises:
        ValueError: Naming the file and both rows.
    """
    first: Dict[str, Row] = {}
    for row in rows:
        known = first.setdefault(row[column], row)
        if known is not row:
            raise ValueError(
                f'{path}, lines {known.line} and {row.line}: clip '
                f'{row[column]!r} is listed twice. Fix: remove one row, or '
                'give every clip of a split a name of its own.'
            )


def check_clip_files(
    clips: Sequence[dict],
    sound_files: Callable[[dict], List[str]],
    source: str,
) -> None:
    """Look for the files of clips.

    Args:
        clips (Sequence[dict]): Each made by :func:`clip_info`.
        sound_files (callable): Gives the paths of a clip's sound.
        source (str): What lists the clips, for the message.

    Raises:
        FileNotFoundError: One is absent.
    """
    incomplete: Dict[str, str] = {}
    for clip in clips:
        paths = sound_files(clip)
        for frame in clip['frames']:
            paths += [frame['img_path'], frame['seg_map_path']]
        absent = [p for p in paths if p and not Path(p).is_file()]
        if absent:
            incomplete[clip['clip_id']] = absent[0]
    if incomplete:
        clip_id, path = next(iter(incomplete.items()))
        raise FileNotFoundError(
            f'{len(incomplete)} of {len(clips)} clips of {source} lack '
            f'files; the first is {clip_id}: {path} not found. Fix: complete '
            'the data (tools/dataset_converters/prepare_avsbench.py --check '
            'names every absent file), or take the rows out of the list.'
        )

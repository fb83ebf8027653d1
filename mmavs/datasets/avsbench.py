"""AVSBench as it is on disk: S4, MS3 and AVSBench-semantic."""

import logging
from pathlib import Path
from typing import List, Sequence

from mmengine.logging import print_log

from mmavs.registry import DATASETS

from .avss_classes import AVSS_CLASSES, AVSS_PALETTE
from .base import AVSClipDataset, clip_info

AVSS_NUM_FRAMES = {'v1s': 5, 'v1m': 5, 'v2': 10}


@DATASETS.register_module()
class AVSBenchS4Dataset(AVSClipDataset):
    """AVSBench, single source: five frames, one kind of sounding object.

    `Audio-Visual Segmentation <https://arxiv.org/abs/2207.05042>`_, section
    3. Training clips are labelled in their first frame alone; validation and
    test clips in all five. Layout below ``data_root``::

        s4_meta_data.csv                    name, category, split
        s4_data/visual_frames/{split}/{category}/{name}/{name}_{1..5}.png
        s4_data/gt_masks/{split}/{category}/{name}/{name}_{1..5}.png
        s4_data/audio_wav/{split}/{category}/{name}.wav

    Arguments are those of :class:`AVSClipDataset`.
    """

    ANN_FILE = 's4_meta_data.csv'

    def list_clips(self) -> List[dict]:
        """List the rows of the split."""
        rows = self.split_rows('name', ['category'], paths=['category'])
        return [self._clip(row) for row in rows]

    def _clip(self, row: dict) -> dict:
        data, name = Path(self.data_root) / 's4_data', row['name']
        place = Path(self.split) / row['category']
        frames = data / 'visual_frames' / place / name
        masks = data / 'gt_masks' / place / name
        num_labeled = 1 if self.split == 'train' else 5
        return clip_info(
            name,
            [frames / f'{name}_{i}.png' for i in range(1, 6)],
            [masks / f'{name}_{i}.png' for i in range(1, num_labeled + 1)],
            data / 'audio_wav' / place / f'{name}.wav',
            category=row['category'],
        )


@DATASETS.register_module()
class AVSBenchMS3Dataset(AVSClipDataset):
    """AVSBench, multiple sources: five labelled frames, up to all sounding.

    `Audio-Visual Segmentation <https://arxiv.org/abs/2207.05042>`_, section
    3. Masks are the union of what sounds; silent seconds are empty. Values
    that miss black or white by rounding are read as such (``'near-binary'``,
    :func:`~mmavs.datasets.masks.read_mask`). Layout below ``data_root``::

        ms3_meta_data.csv                   video_id, split
        ms3_data/visual_frames/{id}/{id}.mp4_{1..5}.png
        ms3_data/gt_masks/{split}/{id}/{id}_{1..5}.png
        ms3_data/audio_wav/{split}/{id}.wav

    Arguments are those of :class:`AVSClipDataset`.
    """

    ANN_FILE = 'ms3_meta_data.csv'

    def list_clips(self) -> List[dict]:
        """List the rows of the split."""
        rows = self.split_rows('video_id', [])
        return [self._clip(row['video_id']) for row in rows]

    def _clip(self, name: str) -> dict:
        data, numbers = Path(self.data_root) / 'ms3_data', range(1, 6)
        frames = data / 'visual_frames' / name
        masks = data / 'gt_masks' / self.split / name
        return clip_info(
            name,
            [frames / f'{name}.mp4_{i}.png' for i in numbers],
            [masks / f'{name}_{i}.png' for i in numbers],
            data / 'audio_wav' / self.split / f'{name}.wav',
            mask_encoding='near-binary',
        )


@DATASETS.register_module()
class AVSBenchSemanticDataset(AVSClipDataset):
    """AVSBench-semantic: 71 classes, clips of five or ten frames.

    `Audio-Visual Segmentation with Semantics
    <https://arxiv.org/abs/2301.13190>`_, section 3. Three parts: ``v1s`` (S4
    labelled anew; training clips in their first frame alone), ``v1m`` (MS3),
    ``v2`` (ten frames). Layout below ``data_root``::

        metadata.csv                        uid, a_obj, split, label
        {v1s|v1m|v2}/{uid}/frames/{0..4|0..9}.jpg      original size
        {v1s|v1m|v2}/{uid}/labels_semantic/{i}.png     class indices
        {v1s|v1m|v2}/{uid}/labels_rgb/{i}.png          or colours
        {v1s|v1m|v2}/{uid}/audio.wav

    Where a clip has no ``labels_semantic``, its ``labels_rgb`` are read by
    the official palette. Clips keep their own T; the batch is padded to ten
    by ``AVSDataPreProcessor(num_frames=10)``, whose ``valid_frames`` follow
    each clip's T in every split. (The released loader flags one frame of a
    ``v1s`` clip as labelled in val and test too, though five are.)

    Args:
        parts (Sequence[str]): Parts to use. Defaults to all three.
        skip_absent (bool): Leave out clips of which there is no folder (1,000
            test clips are withheld from the public), with one warning.
            Defaults to False: an absent folder is an error.
        **kwargs: See :class:`AVSClipDataset`.

    Raises:
        ValueError: An unknown part, here or in the csv.
    """

    METAINFO = dict(classes=AVSS_CLASSES, palette=AVSS_PALETTE)
    ANN_FILE = 'metadata.csv'

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        *,
        parts: Sequence[str] = tuple(AVSS_NUM_FRAMES),
        skip_absent: bool = False,
        **kwargs,
    ) -> None:
        unknown = [part for part in parts if part not in AVSS_NUM_FRAMES]
        if unknown:
            raise ValueError(
                f'unknown parts {unknown} of AVSBench-semantic. Fix: take '
                f'some of {tuple(AVSS_NUM_FRAMES)}'
            )
        self.parts = tuple(parts)
        self.skip_absent = skip_absent
        super().__init__(data_root, split, **kwargs)

    def list_clips(self) -> List[dict]:
        """List the rows of the split and of the wanted parts."""
        rows = self.split_rows('uid', ['a_obj', 'label'])
        strange = {row['label'] for row in rows} - set(AVSS_NUM_FRAMES)
        if strange:
            raise ValueError(
                f'{self.ann_file}: column "label" holds {sorted(strange)}. '
                f'Fix: it must be one of {tuple(AVSS_NUM_FRAMES)}.'
            )
        rows = [row for row in rows if row['label'] in self.parts]
        if self.skip_absent:
            rows = self._present(rows)
        return [self._clip(row) for row in rows]

    def _folder(self, row: dict) -> Path:
        return Path(self.data_root) / row['label'] / row['uid']

    def _present(self, rows: List[dict]) -> List[dict]:
        present = [row for row in rows if self._folder(row).is_dir()]
        if len(present) < len(rows):
            print_log(
                f'{len(rows) - len(present)} of {len(rows)} {self.split} '
                f'clips of {self.ann_file} have no folder and are left out.',
                logger='current',
                level=logging.WARNING,
            )
        return present

    def _clip(self, row: dict) -> dict:
        folder, part = self._folder(row), row['label']
        indexed = (folder / 'labels_semantic').is_dir()
        masks = folder / ('labels_semantic' if indexed else 'labels_rgb')
        num_frames = AVSS_NUM_FRAMES[part]
        first_only = part == 'v1s' and self.split == 'train'
        num_labeled = 1 if first_only else num_frames
        return clip_info(
            row['uid'],
            [folder / 'frames' / f'{i}.jpg' for i in range(num_frames)],
            [masks / f'{i}.png' for i in range(num_labeled)],
            folder / 'audio.wav',
            mask_encoding='index' if indexed else 'palette',
            category=row['a_obj'],
        )

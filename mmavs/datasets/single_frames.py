"""Labelled frames of clips, one by one."""

from typing import List, Tuple, Union

from mmengine.dataset import Compose
from torch.utils.data import Dataset

from mmavs.registry import DATASETS

from .base import AVSClipDataset
from .transforms.categories import PickFrame


@DATASETS.register_module()
class SingleFrames(Dataset):
    """Every labelled frame of a clip data set as a clip of one frame.

    For systems that are trained on batches of frames, such as AVIS ("a batch
    size of 32", https://arxiv.org/abs/2307.16620, section 4.1): frames of a
    batch then come from different clips, and unlabelled frames cost nothing.

    Args:
        dataset (dict or AVSClipDataset): The clips; its pipeline holds
            :class:`PickFrame`.

    Raises:
        ValueError: The pipeline lacks PickFrame, or no frame is labelled.
    """

    def __init__(self, dataset: Union[dict, AVSClipDataset]) -> None:
        if isinstance(dataset, dict):
            dataset = DATASETS.build(dataset)
        self.dataset = dataset
        self._index: List[Tuple[int, int]] = []
        self._check_pipeline(dataset.pipeline)
        self.full_init()

    @staticmethod
    def _check_pipeline(pipeline: Compose) -> None:
        if not any(isinstance(t, PickFrame) for t in pipeline.transforms):
            raise ValueError(
                'SingleFrames needs PickFrame in the pipeline of its data '
                'set. Fix: put dict(type="PickFrame") behind the audio front '
                'end and before ForEachFrame.'
            )

    @property
    def metainfo(self) -> dict:
        """dict: Of the clips."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """List the labelled frames."""
        self.dataset.full_init()
        self._index = [
            (clip, frame)
            for clip in range(len(self.dataset))
            for frame in self.dataset.get_data_info(clip)['labeled_frames']
        ]
        if not self._index:
            raise ValueError(
                'no frame of the data set is labelled, so SingleFrames is '
                'empty. Fix: train on a split with masks.'
            )

    def __len__(self) -> int:
        return len(self._index)

    def get_data_info(self, idx: int) -> dict:
        """Give one clip, with ``frame_index`` for PickFrame."""
        clip, frame = self._index[idx]
        info = self.dataset.get_data_info(clip)
        return dict(info, frame_index=frame)

    def __getitem__(self, idx: int) -> dict:
        return self.dataset.pipeline(self.get_data_info(idx))

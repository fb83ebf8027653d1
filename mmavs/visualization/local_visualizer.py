"""A visualizer that draws whole clips."""

from typing import List, Optional, Sequence, Tuple

import numpy as np
from mmengine.dist import is_main_process, master_only
from mmengine.visualization import Visualizer

from mmavs.files.whole_files import write_picture
from mmavs.registry import VISUALIZERS
from mmavs.structures import DEFAULT_THRESHOLD, AVSDataSample

from .instances import draw_instances
from .sheets import clip_sheet, overlay

DEFAULT_PALETTE = ((0, 0, 0), (255, 64, 64))


@VISUALIZERS.register_module()
class AVSLocalVisualizer(Visualizer):
    """Draws T frames side by side with masks and each second's log-mel.

    Classes and palette come from the dataset (``dataset_meta``), as the
    Runner sets them.
    """

    @property
    def palette(self) -> Sequence[Sequence[int]]:
        """Sequence: RGB colour of each class."""
        meta = self.dataset_meta or {}
        return meta.get('palette') or DEFAULT_PALETTE

    def draw_clip(
        self,
        images: Sequence[np.ndarray],
        sample: AVSDataSample,
        log_mel: Optional[np.ndarray] = None,
        title: str = '',
    ) -> np.ndarray:
        """Draw a clip; see :meth:`add_clip`.

        Returns:
            ndarray: The picture, (H', W', 3) uint8 RGB.
        """
        return clip_sheet(
            images,
            self.palette,
            ground_truth=_masks(sample, 'gt_sem_seg'),
            prediction=_masks(sample, 'pred_sem_seg'),
            log_mel=log_mel,
            title=title,
            more_rows=_instance_rows(images, sample),
        )

    def add_clip(
        self,
        name: str,
        images: Sequence[np.ndarray],
        sample: AVSDataSample,
        log_mel: Optional[np.ndarray] = None,
        title: str = '',
        out_file: Optional[str] = None,
        step: int = 0,
    ) -> np.ndarray:
        """Draw a clip to a file, or to every backend of the first rank.

        Args:
            name (str): For the backends, e.g. ``test_<clip>_frames0-4``.
            images (Sequence[ndarray]): T frames, (H, W, 3) uint8 RGB.
            sample (AVSDataSample): Its ``gt_sem_seg``, ``pred_sem_seg`` and
                ``pred_instances`` are drawn where they exist.
            log_mel (ndarray, optional): (T, 96, 64).
            title (str): Printed on top.
            out_file (str, optional): Write there instead of the backends.
            step (int): For the backends.

        Returns:
            ndarray: The picture, (H', W', 3) uint8 RGB.
        """
        picture = self.draw_clip(images, sample, log_mel, title)
        if out_file:
            write_picture(out_file, picture[..., ::-1])
        elif is_main_process():
            self.add_image(name, picture, step)
        return picture

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample=None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        step: int = 0,
    ) -> None:
        """Draw one frame, as mmengine's hooks call it.

        Args:
            name (str): For the backends.
            image (ndarray): (H, W, 3) uint8 RGB.
            data_sample (SegDataSample, optional): A frame's labels.
            draw_gt (bool): Left half.
            draw_pred (bool): Right half.
            show (bool): Open a window.
            wait_time (float): Seconds the window stays, 0 for ever.
            step (int): For the backends.
        """
        halves = []
        for field, wanted in (
            ('gt_sem_seg', draw_gt),
            ('pred_sem_seg', draw_pred),
        ):
            if wanted and data_sample is not None and field in data_sample:
                mask = getattr(data_sample, field).data.squeeze(0)
                halves.append(overlay(image, mask.cpu().numpy(), self.palette))
        picture = np.concatenate(halves or [image], axis=1)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        self.add_image(name, picture, step)


def _instance_rows(
    images: Sequence[np.ndarray], sample: AVSDataSample
) -> List[Tuple[str, List[np.ndarray]]]:
    """A row with each instance in its colour, if the clip has instances."""
    if 'pred_instances' not in sample:
        return []
    threshold = sample.get('threshold', DEFAULT_THRESHOLD)
    cells = [
        draw_instances(
            image, instances, sample.categories, threshold, min_width=128
        )
        for image, instances in zip(images, sample.pred_instances)
    ]
    return [('instances, and how probably each sounds', cells)]


def _masks(sample: AVSDataSample, field: str) -> Optional[np.ndarray]:
    """(T, H, W) labels of a field, or None if the sample has none."""
    if field not in sample:
        return None
    return getattr(sample, field).data[:, 0].cpu().numpy()

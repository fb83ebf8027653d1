"""One clip's labels and predictions, dense over its frames."""

from typing import List

from mmengine.structures import BaseDataElement, PixelData
from mmseg.structures import SegDataSample

# probability above which a pixel sounds, unless a config says otherwise; the
# protocols of docs/en/metrics.md take it
DEFAULT_THRESHOLD = 0.5

_PIXEL_FIELDS = (
    'gt_sem_seg',
    'gt_category_map',
    'pred_sem_seg',
    'seg_logits',
)


class FramePixelData(PixelData):
    """Pixel data of all frames of a clip: every field is (T, C, H, W).

    Raises:
        ValueError: A field is not four-dimensional.
    """

    def __setattr__(self, name, value):
        if name in ('_metainfo_fields', '_data_fields'):
            return super().__setattr__(name, value)
        if getattr(value, 'ndim', None) != 4:
            shape = tuple(getattr(value, 'shape', ()))
            raise ValueError(
                f'{name} of a clip must be (T, C, H, W), '
                f'got {type(value).__name__} {shape}'
            )
        # PixelData's own setter insists on 2 or 3 dimensions; the one of
        # BaseDataElement keeps the book-keeping without that check.
        BaseDataElement.__setattr__(self, name, value)

    @property
    def shape(self):
        """tuple[int, int]: Height and width, as for any PixelData."""
        for value in self.all_values():
            return tuple(value.shape[-2:])
        return None

    def __getitem__(self, item):
        raise TypeError(
            'FramePixelData is cut by frame with '
            'AVSDataSample.frames(), not by index.'
        )


class AVSDataSample(SegDataSample):
    """One clip: T frames and their sound.

    Data fields (each a :class:`FramePixelData`):

    - ``gt_sem_seg``: (T, 1, H, W) int64, 255 in every pixel of an
      unlabelled frame,
    - ``gt_category_map``: (T, 1, H, W) int64, which category sounds where
      (see :class:`LoadCategoryMap`), for heads that learn instances,
    - ``pred_sem_seg``: (T, 1, H, W) int64,
    - ``seg_logits``: (T, K, H, W) raw logits, kept on request.

    ``pred_instances``, from heads that find instances, is a list of T
    InstanceData (see :func:`write_instances`).

    Metainfo: ``clip_id`` (str), ``img_path`` (list of T), ``frame_ids``
    (list of T), ``labeled_frames`` (list of indices that are supervised),
    ``num_frames`` (T of the clip before any padding), ``audio_path``,
    ``max_label`` (highest label of the labelled frames),
    ``ori_shape``, ``img_shape`` and mmseg's geometry keys, shared by all
    frames of the clip; of predictions with one channel also ``threshold``,
    the probability above which they sound.
    """

    def frames(self) -> List[SegDataSample]:
        """Give T ordinary samples that share memory with this clip.

        Returns:
            list[SegDataSample]: One a frame, with (C, H, W) fields, for
            mmseg's heads and visualizers.
        """
        pixel_fields = [k for k in _PIXEL_FIELDS if k in self]
        samples = []
        for t in range(self.num_frames):
            metainfo = dict(self.metainfo)
            if 'img_path' in self:
                metainfo['img_path'] = self.img_path[t]
            metainfo['frame_id'] = t
            frame = SegDataSample(metainfo=metainfo)
            for key in pixel_fields:
                data = getattr(self, key).data[t]
                setattr(frame, key, PixelData(data=data))
            if 'pred_instances' in self:
                frame.pred_instances = self.pred_instances[t]
            samples.append(frame)
        return samples

"""An exported model as one that a stream of clips goes through; no torch."""

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from mmavs.apis.mask_frames import FoundInstances, MaskFrame, MaskReader
from mmavs.apis.streaming import Heard
from mmavs.apis.timing import Window
from mmavs.audio.arrays import SAMPLE_RATE, cut_examples, log_mel
from mmavs.media.resizing import resize_maps, resize_picture

from .onnx_model import OnnxModel


class Frame(NamedTuple):
    """A picture, ready for the network.

    Attributes:
        image (ndarray): (3, H, W) float32, normalised and padded.
        shape (tuple[int, int]): Height and width without the padding.
        size (tuple[int, int]): Height and width at which the mask is wanted.
    """

    image: np.ndarray
    shape: Tuple[int, int]
    size: Tuple[int, int]


class OnnxClips:
    """A :class:`~mmavs.apis.streaming.ClipModel` of an ONNX file.

    Args:
        model (OnnxModel): The file, with its description.

    Raises:
        ValueError: The model needs what cannot be done without torch.
    """

    def __init__(self, model: OnnxModel) -> None:
        facts = model.facts
        for missing in facts['unsupported']:
            raise ValueError(
                f'{model.path} was exported without {missing}, which comes '
                'before the network. Fix: run the PyTorch model, or make the '
                "network's inputs yourself and call OnnxModel of "
                'mmavs.deployment.'
            )
        self.model, self.facts = model, facts
        front_end = facts['front_end'] or {}
        self.hears = bool(front_end)
        self.sample_rate = front_end.get('sample_rate', SAMPLE_RATE)
        self.channels = front_end.get('channels', 1)
        self.reader = MaskReader(
            binary=facts['binary'],
            threshold=facts['threshold'],
            classes=facts['classes'],
            categories=facts['categories'],
            palette=facts['palette'],
        )

    def begin(self) -> Any:
        """Clips of an exported model know nothing of each other."""

    def prepare(
        self, picture: np.ndarray, mask: int, size: Tuple[int, int]
    ) -> Frame:
        """See :class:`~mmavs.apis.streaming.ClipModel`."""
        wanted = self.facts['frames']
        if wanted['resize'] is not None:
            picture = resize_picture(picture, **wanted['resize'])
        shape = picture.shape[:2]
        if wanted['order'] == 'RGB':
            picture = picture[..., ::-1]
        mean, std = (
            np.array(wanted[name], np.float32) for name in ('mean', 'std')
        )
        image = ((picture.astype(np.float32) - mean) / std).transpose(2, 0, 1)
        step = wanted['size_divisor']
        edges = [(0, -side % step) for side in shape]
        image = np.pad(image, [(0, 0), *edges])  # zero is the mean colour
        return Frame(image, shape, size)

    def segment(
        self,
        windows: Sequence[Window],
        sounds: Sequence[Heard],
        name: str,
        video: Any,
        size: Tuple[int, int],
    ) -> List[MaskFrame]:
        """See :class:`~mmavs.apis.streaming.ClipModel`.

        Raises:
            ValueError: The video is shorter than a clip of the model.
        """
        length, wanted = len(windows[0].masks), self.facts['clip_frames']
        if length != wanted:
            raise ValueError(
                f'{name} lasts for {length} s, and {self.model.path} takes '
                f'clips of {wanted} s. Fix: export the model with '
                f'--clip-frames {length}, or give a longer video.'
            )
        frames = [frame for window in windows for frame in window.items]
        inputs = dict(imgs=self._clips([frame.image for frame in frames]))
        if self.hears:
            inputs['audio'] = self._clips(
                [piece for sound in sounds for piece in self._pieces(sound)]
            )
        outputs = self.model.run(**inputs)
        return [
            self._read(outputs, b, t, window, size)
            for b, window in enumerate(windows)
            for t in window.new_places
        ]

    def _clips(self, pieces: Sequence[np.ndarray]) -> np.ndarray:
        """List of B * T arrays -> (B, T, ...)."""
        stacked = np.stack(pieces)
        return stacked.reshape(
            -1, self.facts['clip_frames'], *stacked[0].shape
        )

    def _pieces(self, sound: Heard) -> np.ndarray:
        """Sound of a clip -> what goes with each frame, (T, ...) float32."""
        front_end = self.facts['front_end']
        pieces = cut_examples(
            sound[0], self.facts['clip_frames'], front_end['hop']
        )
        if front_end['in_graph']:
            return pieces.astype(np.float32)
        examples = log_mel(pieces)  # (T, 96, 64), or (T, channels, 96, 64)
        return examples if self.channels > 1 else examples[:, None]

    def _read(
        self,
        outputs: Dict[str, np.ndarray],
        b: int,
        t: int,
        window: Window,
        size: Tuple[int, int],
    ) -> MaskFrame:
        """Make a mask of what the network gave for frame t of clip b."""
        found = {name: value[b, t] for name, value in outputs.items()}
        frame = window.items[t]
        logits = found['logits']
        if 'masks' not in found:
            labels = self._decide(self._enlarged(logits, frame))
            shown = self._without_padding(logits, frame)
            return self.reader.of_map(labels, shown, window.masks[t], size)
        masks = self._enlarged(found['masks'], frame) > 0
        kept = found['valid'] & masks.any((1, 2))
        instances = FoundInstances(
            masks[kept],
            found['labels'][kept],
            found['scores'][kept],
            found['sounding'][kept],
        )
        if self.facts['overlap'] is None:
            labels = self._decide(self._enlarged(logits, frame))
        else:
            labels = self._painted(instances)
        return self.reader.of_instances(
            labels, instances, window.masks[t], size
        )

    def _enlarged(self, maps: np.ndarray, frame: Frame) -> np.ndarray:
        """Maps (K, h, w) at the size at which the mask is wanted."""
        corners = self.facts['align_corners']
        maps = resize_maps(maps, frame.image.shape[1:], corners)
        maps = maps[:, : frame.shape[0], : frame.shape[1]]
        return resize_maps(maps, frame.size, corners)

    def _without_padding(self, maps: np.ndarray, frame: Frame) -> np.ndarray:
        """Cut off what stands for padding, (K, h, w)."""
        rows, columns = (
            max(1, round(have * shown / padded))
            for have, shown, padded in zip(
                maps.shape[1:], frame.shape, frame.image.shape[1:]
            )
        )
        return maps[:, :rows, :columns]

    def _decide(self, logits: np.ndarray) -> np.ndarray:
        """Logits (K, H, W) -> labels (H, W) uint8."""
        if len(logits) > 1:
            return logits.argmax(axis=0).astype(np.uint8)
        probability = 1 / (1 + np.exp(-np.clip(logits[0], -80, 80)))
        return (probability > self.facts['threshold']).astype(np.uint8)

    def _painted(self, found: FoundInstances) -> np.ndarray:
        """Paint what sounds of instances (AVIS, Eq. 1), then decide."""
        chances = found.sounding[:, None, None] * found.masks
        if not len(chances):
            return np.zeros(found.masks.shape[1:], np.uint8)
        if self.facts['overlap'] == 'max':
            painted = chances.max(axis=0)
        else:
            painted = chances.sum(axis=0).clip(max=1)
        return (painted > self.facts['threshold']).astype(np.uint8)

"""Predicted masks on disk: names, encodings, safe writing.

========  ====================================  ===========================
kind      file, below the output folder         pixel
========  ====================================  ===========================
binary    [category/]clip/clip_1.png ...        0 or 255
soft      the same                              probability, 256 levels
semantic  clip/labels_semantic/0.png ...        class index, with a palette
========  ====================================  ===========================

Names are those of the benchmark's ground truth: S4 and MS3 count frames from
1, AVSBench-semantic from 0. AVSBench's own code writes binary predictions
counted from 0; ``released_names`` does the same.
"""

from pathlib import Path
from typing import Optional, Sequence, Union

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mmavs.files.names import path_inside
from mmavs.files.output_folder import OutputFolder
from mmavs.files.whole_files import whole_file
from mmavs.structures import DEFAULT_THRESHOLD

from .functional.binary import thresholds_reached

KINDS = ('binary', 'soft', 'semantic')


class MaskWriter:
    """Writes the masks of clips.

    Args:
        folder (str or Path): Where to; made if absent.
        kind (str): One of 'binary', 'soft', 'semantic'.
        released_names (bool): Count binary frames from 0.
        palette (Sequence, optional): RGB of each class, for 'semantic'.

    Raises:
        ValueError: An unknown kind.
    """

    def __init__(
        self,
        folder: Union[str, Path],
        kind: str,
        released_names: bool = False,
        palette: Optional[Sequence[Sequence[int]]] = None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f'kind of mask must be one of {KINDS}: {kind!r}')
        self.folder = Path(folder)
        self.output = OutputFolder(folder)
        self.kind = kind
        self.first = 0 if released_names or kind == 'semantic' else 1
        self.palette = palette

    def write(self, sample: dict, frames: Tensor) -> None:
        """Write one clip.

        Args:
            sample (dict): With ``clip_id`` and, if it has them, ``category``
                and ``threshold``.
            frames (Tensor): (T, H, W): labels, or for 'soft' probabilities.

        Raises:
            ValueError: A clip id or category that leads out of the folder,
                or that cannot name a file.
        """
        threshold = sample.get('threshold', DEFAULT_THRESHOLD)
        frames = self._encode(frames.cpu(), threshold)
        for t, frame in enumerate(frames.numpy()):
            image = Image.fromarray(frame)
            if self.kind == 'semantic' and self.palette is not None:
                image.putpalette(list(np.ravel(self.palette)))
            path = self.path(sample, t)
            write_image(image, self.output.file(path.relative_to(self.folder)))

    def path(self, sample: dict, t: int) -> Path:
        """Name the file of frame t."""
        number = t + self.first
        if self.kind == 'semantic':
            folder = path_inside(self.folder, sample['clip_id'])
            return folder / 'labels_semantic' / f'{number}.png'
        return clip_mask_path(self.folder, sample, number)

    def _encode(self, frames: Tensor, threshold: float) -> Tensor:
        if self.kind == 'soft':
            return encode_probability(frames, threshold)
        frames = frames.to(torch.uint8)
        return frames * 255 if self.kind == 'binary' else frames


def clip_mask_path(folder: Path, sample: dict, number: int) -> Path:
    """Name a frame's file as S4 and MS3 do: ``[category/]clip/clip_1.png``.

    Raises:
        ValueError: A clip id or category that cannot name a file.
    """
    names = [sample['clip_id']]
    if sample.get('category'):
        names.insert(0, sample['category'])
    clip = path_inside(folder, *names)
    return clip / f'{clip.name}_{number}.png'


def encode_probability(
    probability: Tensor, threshold: float = DEFAULT_THRESHOLD
) -> Tensor:
    """Give grey levels from which the scores come out as they are.

    A level v stands for the probability v / 255. It lies on the same side of
    the threshold as the value it was made from, and in the same place among
    the 255 thresholds of the F-measure; where one level cannot do both, it
    keeps its side and moves by one place. At 0.5 that happens to a
    probability of 0.5 to the last bit alone.

    Args:
        probability (Tensor): Any shape, in [0, 1].
        threshold (float): Probability above which a pixel sounds.

    Returns:
        Tensor: The same shape, uint8.
    """
    probability = probability.float()
    level = thresholds_reached(probability).view(probability.shape)
    level = level.masked_fill(level == 1, 0)
    # the nearest levels on both sides, clear of it by more than rounding
    levels = torch.arange(256) / 255
    below = max(0, int((levels < threshold - 1e-6).sum()) - 1)
    above = int((levels <= threshold + 1e-6).sum())
    sounding = probability > threshold
    level = torch.where(sounding, level.clamp(min=above), level)
    level = torch.where(sounding, level, level.clamp(max=below))
    return level.clamp(max=255).to(torch.uint8)


def decode_probability(levels: np.ndarray) -> np.ndarray:
    """Turn grey levels (uint8, or 16 bit) into probabilities in [0, 1]."""
    if levels.dtype == np.uint8:
        return levels.astype(np.float32) / 255
    return levels.astype(np.float32) / 65535


def write_image(image: Image.Image, path: Path) -> None:
    """Write a PNG so that no half-written file is ever seen.

    Two ranks may write one clip, which a sampler gave to both.
    """
    with whole_file(path) as partial:
        image.save(partial, format='PNG')

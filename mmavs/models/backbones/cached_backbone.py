"""A frozen backbone that looks at each frame once."""

from typing import Dict, List, Optional, Tuple

import numpy as np
import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmavs.audio.cache import TensorCache, content_key
from mmavs.registry import MODELS


@MODELS.register_module()
class CachedBackbone(BaseModule):
    """Keep the maps of any backbone, as half floats, in files.

    The backbone is frozen and in evaluation mode, so its maps depend on the
    frame and on its weights alone, which name the file, with the shapes of
    the maps: frames that come again (the next epoch, another model, another
    sound) cost a read. Worth it where frames are small and are not augmented
    at random.

    Args:
        backbone (dict): Any mmseg, mmpretrain or timm backbone.
        cache_dir (str): Folder of the files, about 37 kB for a frame of 112
            px of EfficientNet-Lite0's maps of stride 8, 16 and 32.
    """

    def __init__(
        self,
        *,
        backbone: dict,
        cache_dir: str,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.backbone = MODELS.build(backbone)
        self.backbone.requires_grad_(False).eval()
        self.cache = TensorCache(cache_dir, (None,), torch.float16)
        self._named: Tuple[object, str] = (None, '')
        self._shapes: Dict[tuple, List[tuple]] = {}  # by that of a frame

    def train(self, mode: bool = True) -> 'CachedBackbone':
        """Switch modes; the backbone stays in evaluation mode."""
        super().train(mode)
        self.backbone.eval()
        return self

    @torch.no_grad()
    def forward(self, imgs: Tensor) -> Tuple[Tensor, ...]:
        """Give the maps of frames, read where they are known.

        Args:
            imgs (Tensor): (N, 3, H, W), normalised.

        Returns:
            tuple[Tensor, ...]: (N, C_i, H_i, W_i) as the backbone's, of the
            type of ``imgs``, rounded to half floats.
        """
        if imgs.is_meta:
            return tuple(self.backbone(imgs))
        shapes = self._shapes_of(imgs)
        keys = self._keys(imgs, shapes)
        missing = [i for i, k in enumerate(keys) if not self._has(k)]
        found = {}
        if missing:
            rows = self._rows(imgs[missing])
            found = {keys[i]: row for i, row in zip(missing, rows)}
        rows = [
            self.cache.get(
                key,
                lambda i=i, key=key: (
                    found[key]
                    if key in found
                    else self._rows(imgs[i : i + 1])[0]
                ),
            )
            for i, key in enumerate(keys)
        ]
        flat = torch.stack(rows).to(imgs)
        parts = flat.split([int(np.prod(shape)) for shape in shapes], dim=1)
        return tuple(p.unflatten(1, s) for p, s in zip(parts, shapes))

    def _shapes_of(self, imgs: Tensor) -> List[tuple]:
        """Give the shapes of a frame's maps."""
        size = tuple(imgs.shape[1:])
        if size not in self._shapes:
            maps = self.backbone(imgs[:1])
            self._shapes[size] = [tuple(m.shape[1:]) for m in maps]
        return self._shapes[size]

    def _has(self, key: str) -> bool:
        return self.cache.path(key).is_file()

    def _rows(self, imgs: Tensor) -> Tensor:
        """Compute the maps of frames, (N, all values) float16 on CPU."""
        maps = self.backbone(imgs)
        return torch.cat([m.flatten(1) for m in maps], dim=1).half().cpu()

    def _keys(self, imgs: Tensor, shapes: List[tuple]) -> List[str]:
        """Name each frame's maps under these weights."""
        weights = self._weights()
        frames = imgs.float().cpu().numpy()
        return [
            content_key(
                np.ascontiguousarray(frame).tobytes(),
                weights=weights,
                size=list(frame.shape),
                maps=shapes,
            )
            for frame in frames
        ]

    def _weights(self) -> str:
        """Fingerprint of the weights, anew once they were written to."""
        tensors = [*self.backbone.parameters(), *self.backbone.buffers()]
        state = [(t.data_ptr(), t._version) for t in tensors]
        if self._named[0] != state:
            data = b''.join(
                t.detach().cpu().numpy().tobytes() for t in tensors
            )
            self._named = state, content_key(data)
        return self._named[1]

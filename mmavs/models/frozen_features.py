"""A frozen encoder that looks at each frame, or second, once."""

import json
from math import prod
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmavs.audio.cache import TensorCache, content_key
from mmavs.registry import MODELS


class _Shapes(NamedTuple):
    """What an encoder gives of one row: shapes, and whether in a tuple."""

    maps: List[tuple]
    several: bool

    @property
    def size(self) -> int:
        """int: Numbers of one row in all."""
        return sum(map(prod, self.maps))


@MODELS.register_module()
class FrozenFeatures(BaseModule):
    """Keep what a frozen backbone or audio encoder gives in files.

    ``backbone=dict(type='FrozenFeatures', encoder=dict(...), cache_dir=...)``,
    and likewise ``audio_encoder``. The encoder is in evaluation mode and not
    trained, so what it gives depends on its weights and on what it is given
    alone: the picture or the sound *as the transforms left it*. Both name the
    file, so weights or transforms that change never meet features of others;
    rows that come again (the next epoch, another model, another sound) cost a
    read. A file that is damaged, or of another size, is made anew with a
    warning. Worth it where what is given is not changed at random.

    Weights have the names that they have without it: checkpoints load either
    way.

    Args:
        encoder (dict): Any mmseg, mmpretrain or timm backbone, or an audio
            encoder; maps (N, ...) to (N, ...) or to several of these.
        cache_dir (str): Folder of the files: 512 bytes a second of sound for
            VGGish, 12 MB a frame of 224 px for ResNet-50.
        half (bool): Keep and give half floats' values: half the size.
    """

    def __init__(
        self,
        *,
        encoder: dict,
        cache_dir: str,
        half: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.encoder = MODELS.build(encoder)
        self.encoder.requires_grad_(False).eval()
        self.cache_dir = cache_dir
        self.dtype = torch.float16 if half else torch.float32
        built = {k: v for k, v in encoder.items() if k != 'init_cfg'}
        self._built = json.dumps(built, sort_keys=True, default=str)
        self._named: Tuple[object, str] = (None, '')
        self._shapes: Dict[tuple, _Shapes] = {}  # by that of a row
        self._register_state_dict_hook(_rename_saved)
        self._register_load_state_dict_pre_hook(self._rename_loaded)

    @property
    def out_channels(self) -> int:
        """int: D of an audio encoder."""
        return self.encoder.out_channels

    def train(self, mode: bool = True) -> 'FrozenFeatures':
        """Switch modes; the encoder stays in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    @torch.no_grad()
    def forward(self, rows: Tensor) -> Union[Tensor, Tuple[Tensor, ...]]:
        """Give the features of frames or seconds, read where they are known.

        Args:
            rows (Tensor): (N, 3, H, W) frames, normalised, or (N, ...) sound.

        Returns:
            Tensor or tuple[Tensor, ...]: As the encoder gives it, of the type
            of ``rows``, rounded to half floats with ``half``.
        """
        if rows.is_meta:
            return self.encoder(rows)
        shapes = self._shapes_of(rows)
        cache = TensorCache(self.cache_dir, (shapes.size,), self.dtype)
        keys = self._keys(rows)
        missing = [i for i, k in enumerate(keys) if not cache.has(k)]
        found = {}
        if missing:
            flat = self._encode(rows[missing])
            found = {keys[i]: row for i, row in zip(missing, flat)}

        def compute(i: int) -> Tensor:
            if keys[i] in found:
                return found[keys[i]]
            return self._encode(rows[i : i + 1])[0]

        flat = [
            cache.get(key, lambda i=i: compute(i))
            for i, key in enumerate(keys)
        ]
        parts = (
            torch.stack(flat)
            .to(rows)
            .split([prod(shape) for shape in shapes.maps], dim=1)
        )
        maps = tuple(p.unflatten(1, s) for p, s in zip(parts, shapes.maps))
        return maps if shapes.several else maps[0]

    def _shapes_of(self, rows: Tensor) -> _Shapes:
        """Find the shapes of one row's features."""
        size = tuple(rows.shape[1:])
        if size not in self._shapes:
            maps = self.encoder(rows[:1])
            several = not isinstance(maps, Tensor)
            shapes = [
                tuple(m.shape[1:]) for m in (maps if several else [maps])
            ]
            self._shapes[size] = _Shapes(shapes, several)
        return self._shapes[size]

    def _encode(self, rows: Tensor) -> Tensor:
        """Compute the features of rows, (N, all values) on CPU."""
        maps = self.encoder(rows)
        maps = [maps] if isinstance(maps, Tensor) else maps
        flat = torch.cat([m.flatten(1) for m in maps], dim=1)
        return flat.to(self.dtype).cpu()

    def _keys(self, rows: Tensor) -> List[str]:
        """Name each row under these weights."""
        named = dict(weights=self._weights(), encoder=self._built)
        kept = dict(dtype=str(self.dtype), size=list(rows.shape[1:]))
        return [
            content_key(np.ascontiguousarray(row).tobytes(), **named, **kept)
            for row in rows.float().cpu().numpy()
        ]

    def _weights(self) -> str:
        """Fingerprint of the weights, anew once they were written to."""
        tensors = [*self.encoder.parameters(), *self.encoder.buffers()]
        state = [(t.data_ptr(), t._version) for t in tensors]
        if self._named[0] != state:
            data = b''.join(
                t.detach().cpu().numpy().tobytes() for t in tensors
            )
            self._named = state, content_key(data)
        return self._named[1]

    def _rename_loaded(self, state: dict, prefix: str, *_) -> None:
        """Put the encoder's weights where :attr:`encoder` looks for them."""
        for key in [key for key in state if key.startswith(prefix)]:
            name = key[len(prefix) :]
            state[f'{prefix}encoder.{name}'] = state.pop(key)


def _rename_saved(module, state: dict, prefix: str, *_) -> None:
    """Name the encoder's weights as without this module."""
    inner = f'{prefix}encoder.'
    for key in [key for key in state if key.startswith(inner)]:
        state[prefix + key[len(inner) :]] = state.pop(key)

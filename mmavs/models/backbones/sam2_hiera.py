"""SAM 2's trunk, from timm."""

from typing import Dict, Optional, Tuple

from mmengine.model import BaseModule
from torch import Tensor

from mmavs.registry import MODELS
from mmavs.weights.conversion import start_part
from mmavs.weights.released.sam2 import size_of

ARCHS = dict(t='tiny', s='small', b='base_plus', l='large')


@MODELS.register_module()
class SAM2Hiera(BaseModule):
    """Hiera as SAM 2 trains it: a windowed transformer of four stages.

    Paper: SAM 2: Segment Anything in Images and Videos,
    https://arxiv.org/abs/2408.00714. The network is timm's
    ``sam2_hiera_*``, which equals Meta's (the extra ``sam2``).

    Args:
        arch (str): 't', 's', 'b' (base plus) or 'l'.
        init_cfg (dict, optional): With ``type='Pretrained'``, Meta's
            ``sam2_hiera_*.pt`` of SAM 2.0.
        frozen (bool): No gradients, always in evaluation mode. Defaults to
            True, as in AuralSAM2.

    Raises:
        ImportError: timm is missing, or older than 1.0.9.
        ValueError: An unknown ``arch``.
    """

    def __init__(
        self,
        *,
        arch: str,
        frozen: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if arch not in ARCHS:
            raise ValueError(
                f'arch must be one of {list(ARCHS)}, got {arch!r}'
            )
        self.trunk = _build_trunk(f'sam2_hiera_{ARCHS[arch]}')
        self.arch, self.frozen = arch, frozen
        if frozen:
            self.requires_grad_(False)

    def init_weights(self) -> None:
        """Start from ``init_cfg``'s file, or draw."""
        if not start_part(self, 'sam2', 'backbone.'):
            super().init_weights()

    def check_checkpoint(
        self, state_dict: Dict[str, Tensor], prefix: str
    ) -> None:
        """Refuse SAM 2 of another size, in words.

        Args:
            state_dict (dict): Weights of a whole model.
            prefix (str): Of this module in it, with the dot.

        Raises:
            ValueError: Another size.
        """
        size = size_of(state_dict, prefix)
        if size not in (None, self.arch):
            raise ValueError(
                f'these weights are of SAM 2 Hiera-{size.upper()}, the config '
                f'asks for Hiera-{self.arch.upper()}. Fix: take '
                f'sam2_hiera_{ARCHS[self.arch]}.pt, or the config of the '
                'other size.'
            )

    def train(self, mode: bool = True) -> 'SAM2Hiera':
        """Switch modes; a frozen trunk stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def forward(self, imgs: Tensor) -> Tuple[Tensor, ...]:
        """Give the maps of four stages.

        Args:
            imgs (Tensor): (N, 3, H, W), normalised; H and W multiples of 32.

        Returns:
            tuple[Tensor, ...]: (N, C_i, H / s, W / s), s = 4, 8, 16, 32; C is
            96 (t, s), 112 (b) or 144 (l), doubled by each stage.

        Raises:
            ValueError: A side is not a multiple of 32.
        """
        if imgs.shape[-2] % 32 or imgs.shape[-1] % 32:
            raise ValueError(
                f'frames of {tuple(imgs.shape[-2:])} pixels: SAM 2 needs '
                'multiples of 32. Fix: Resize in the pipeline, or '
                'data_preprocessor.size_divisor=32.'
            )
        return tuple(self.trunk(imgs))


def _build_trunk(name: str):
    try:
        import timm

        return timm.create_model(name, pretrained=False, features_only=True)
    except (ImportError, RuntimeError) as error:
        raise ImportError(
            f'{name} comes from timm 1.0.9 or newer, which is missing or '
            f'older here ({error}). Fix: pip install "timm>=1.0.9"'
        ) from None

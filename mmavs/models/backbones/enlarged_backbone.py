"""A backbone that sees frames larger than they are scored."""

from typing import Optional, Tuple

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmavs.registry import MODELS


@MODELS.register_module()
class EnlargedBackbone(BaseModule):
    """Enlarge normalised frames bilinearly, then run any backbone.

    CATR's released code (https://arxiv.org/abs/2309.09709) augments and
    scores at 224 px and shows its network 448. Here the rest of the model
    keeps to the frames' own size: logits are resized to it once.

    Args:
        backbone (dict): Any mmseg, mmpretrain or timm backbone.
        scale (float): How many times larger, above 0.
    """

    def __init__(
        self,
        *,
        backbone: dict,
        scale: float,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if scale <= 0:
            raise ValueError(f'scale must be above 0, got {scale}')
        self.backbone = MODELS.build(backbone)
        self.scale = scale

    def forward(self, imgs: Tensor) -> Tuple[Tensor, ...]:
        """Give the maps of enlarged frames.

        Args:
            imgs (Tensor): (N, 3, H, W), normalised.

        Returns:
            tuple[Tensor, ...]: (N, C_i, scale * H / s_i, scale * W / s_i).
        """
        size = [round(self.scale * side) for side in imgs.shape[-2:]]
        imgs = F.interpolate(imgs, size, mode='bilinear', align_corners=False)
        return tuple(self.backbone(imgs))

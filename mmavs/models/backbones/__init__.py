from .efficientnet_lite import EfficientNetLite0
from .enlarged_backbone import EnlargedBackbone
from .pyramid_vision_transformer_v2 import PyramidVisionTransformerV2
from .sam2_hiera import SAM2Hiera

__all__ = [
    'EfficientNetLite0',
    'EnlargedBackbone',
    'PyramidVisionTransformerV2',
    'SAM2Hiera',
]

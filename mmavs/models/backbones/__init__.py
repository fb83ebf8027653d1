from .enlarged_backbone import EnlargedBackbone
from .pyramid_vision_transformer_v2 import PyramidVisionTransformerV2

__all__ = ['EnlargedBackbone', 'PyramidVisionTransformerV2']

from .avsc import AVSC
from .deformable_attention import MultiScaleDeformableAttention

__all__ = ['AVSC', 'MultiScaleDeformableAttention']

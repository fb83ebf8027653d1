from .deformable_attention import MultiScaleDeformableAttention

__all__ = ['MultiScaleDeformableAttention']

"""How transformers start."""

from torch import nn

from .deformable_attention import MultiScaleDeformableAttention
from .pyramid_encoder import PyramidEncoder


def init_transformer(module: nn.Module) -> None:
    """Start as AVSegFormer's released code starts its head.

    Xavier-uniform for every weight of two and more dimensions, embeddings
    included; then what has a start of its own.

    Args:
        module (nn.Module): Changed in place.
    """
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
    for part in module.modules():
        if isinstance(part, MultiScaleDeformableAttention):
            part.init_weights()
        elif isinstance(part, PyramidEncoder):
            nn.init.normal_(part.level_embed)

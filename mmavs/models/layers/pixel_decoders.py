"""The pixel decoders that an instance head can name."""

from typing import Optional, Sequence, Union

from .fpn_pixel_decoder import FPNPixelDecoder
from .msdeform_pixel_decoder import MSDeformPixelDecoder

PIXEL_DECODERS = ('fpn', 'msdeform')


def build_pixel_decoder(
    kind: str,
    in_channels: Sequence[int],
    embed_dims: int,
    encoder_layers: Optional[int],
    num_heads: int,
    dropout: float,
) -> Union[FPNPixelDecoder, MSDeformPixelDecoder]:
    """Make a pixel decoder, with the widths of the paper it comes from.

    Args:
        kind (str): 'fpn' (MaskFormer) or 'msdeform' (Mask2Former).
        in_channels (Sequence[int]): Channels of each scale, finest first.
        embed_dims (int): D.
        encoder_layers (int, optional): None takes 0 for 'fpn', 6 for
            'msdeform'.
        num_heads (int): Attention heads.
        dropout (float): Of transformer layers.

    Returns:
        nn.Module: Maps the scales to the mask feature and the memories.

    Raises:
        ValueError: An unknown kind.
    """
    if kind == 'fpn':
        return FPNPixelDecoder(
            in_channels,
            embed_dims,
            encoder_layers or 0,
            num_heads,
            feedforward_channels=2048,
            dropout=dropout,
        )
    if kind == 'msdeform':
        return MSDeformPixelDecoder(
            in_channels,
            embed_dims,
            6 if encoder_layers is None else encoder_layers,
            num_heads,
            feedforward_channels=1024,
            dropout=dropout,
        )
    raise ValueError(
        f'pixel_decoder must be one of {PIXEL_DECODERS}, got {kind!r}'
    )

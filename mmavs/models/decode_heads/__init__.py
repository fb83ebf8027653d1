from .avs_decode_head import AVSDecodeHead

__all__ = ['AVSDecodeHead']

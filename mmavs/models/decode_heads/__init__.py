from .avs_decode_head import AVSDecodeHead
from .avs_fpn_head import AVSFPNHead
from .avsegformer_head import AVSegFormerHead
from .bavd_head import BAVDHead
from .catr_head import CATRHead
from .sam2_mask_head import SAM2MaskHead
from .sounding_instance_head import SoundingInstanceHead

__all__ = [
    'AVSDecodeHead',
    'AVSFPNHead',
    'AVSegFormerHead',
    'BAVDHead',
    'CATRHead',
    'SAM2MaskHead',
    'SoundingInstanceHead',
]

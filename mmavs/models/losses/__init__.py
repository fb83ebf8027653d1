from .audio_visual_mapping_loss import AudioVisualMappingLoss
from .frame_bce_loss import FrameBCELoss
from .frame_cross_entropy_loss import FrameCrossEntropyLoss
from .frame_dice_loss import FrameDiceLoss
from .structure_loss import StructureLoss
from .visual_to_audio_loss import VisualToAudioLoss

__all__ = [
    'AudioVisualMappingLoss',
    'FrameBCELoss',
    'FrameCrossEntropyLoss',
    'FrameDiceLoss',
    'StructureLoss',
    'VisualToAudioLoss',
]

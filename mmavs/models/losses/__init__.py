from .audio_visual_mapping_loss import AudioVisualMappingLoss
from .avfs_loss import AVFSLoss
from .class_dice_loss import ClassDiceLoss
from .frame_bce_loss import FrameBCELoss
from .frame_cross_entropy_loss import FrameCrossEntropyLoss
from .frame_dice_loss import FrameDiceLoss
from .mean_over_ranks import mean_over_ranks
from .referred_loss import ReferredLoss
from .sigmoid_focal_loss import SigmoidFocalLoss
from .silent_object_loss import SilentObjectLoss
from .structure_loss import StructureLoss
from .visual_to_audio_loss import VisualToAudioLoss

__all__ = [
    'ReferredLoss',
    'AVFSLoss',
    'AudioVisualMappingLoss',
    'ClassDiceLoss',
    'FrameBCELoss',
    'FrameCrossEntropyLoss',
    'FrameDiceLoss',
    'SigmoidFocalLoss',
    'SilentObjectLoss',
    'StructureLoss',
    'VisualToAudioLoss',
    'mean_over_ranks',
]

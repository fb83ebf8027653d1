from .audio_visual_contrastive_loss import AudioVisualContrastiveLoss
from .audio_visual_mapping_loss import AudioVisualMappingLoss
from .avfs_loss import AVFSLoss
from .frame_losses import (
    ClassDiceLoss,
    FrameBCELoss,
    FrameCrossEntropyLoss,
    FrameDiceLoss,
    FrameLoss,
    SigmoidFocalLoss,
    StructureLoss,
)
from .masked_info_nce_loss import MaskedInfoNCELoss
from .mean_over_ranks import mean_over_ranks
from .referred_loss import ReferredLoss
from .rows_of_ranks import rows_of_ranks
from .sam2_mask_loss import SAM2MaskLoss
from .silent_object_loss import SilentObjectLoss
from .visual_to_audio_loss import VisualToAudioLoss

__all__ = [
    'AVFSLoss',
    'AudioVisualContrastiveLoss',
    'AudioVisualMappingLoss',
    'ClassDiceLoss',
    'FrameBCELoss',
    'FrameCrossEntropyLoss',
    'FrameDiceLoss',
    'FrameLoss',
    'MaskedInfoNCELoss',
    'ReferredLoss',
    'SAM2MaskLoss',
    'SigmoidFocalLoss',
    'SilentObjectLoss',
    'StructureLoss',
    'VisualToAudioLoss',
    'mean_over_ranks',
    'rows_of_ranks',
]

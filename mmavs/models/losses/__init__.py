from .frame_bce_loss import FrameBCELoss
from .frame_cross_entropy_loss import FrameCrossEntropyLoss
from .frame_dice_loss import FrameDiceLoss

__all__ = ['FrameBCELoss', 'FrameCrossEntropyLoss', 'FrameDiceLoss']

from .add_audio import AddAudio
from .audio_film import AudioFiLM
from .aural_fuser import AuralFuser
from .av_bridge import AVBridge
from .av_correlation import AVCorrelation
from .channel_align import ChannelAlign
from .conv_bn_neck import ConvBNNeck
from .decoupled_encoder import DecoupledAVEncoder
from .dilated_sum_neck import DilatedSumNeck
from .motion_correlation import MotionCorrelation
from .sam2_fpn import SAM2FPN
from .tpavi import TPAVI

__all__ = [
    'AVBridge',
    'AVCorrelation',
    'AddAudio',
    'AudioFiLM',
    'AuralFuser',
    'ChannelAlign',
    'ConvBNNeck',
    'DecoupledAVEncoder',
    'DilatedSumNeck',
    'MotionCorrelation',
    'SAM2FPN',
    'TPAVI',
]

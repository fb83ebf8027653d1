"""Audio encoders: one second of sound per frame, (N, ...) to (N, D)."""

from .beats import BEATs
from .front_ends import BEATsFbankFrontEnd, VGGishLogMelFrontEnd
from .log_mel_cnn import LogMelCNN
from .per_channel_encoder import PerChannelEncoder
from .pretrained_encoder import PretrainedAudioEncoder
from .torchaudio_bundle import TorchaudioBundleEncoder
from .vggish import VGGish

__all__ = [
    'PerChannelEncoder',
    'BEATs',
    'BEATsFbankFrontEnd',
    'LogMelCNN',
    'PretrainedAudioEncoder',
    'TorchaudioBundleEncoder',
    'VGGish',
    'VGGishLogMelFrontEnd',
]

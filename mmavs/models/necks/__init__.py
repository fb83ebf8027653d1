from .add_audio import AddAudio
from .audio_film import AudioFiLM
from .channel_align import ChannelAlign
from .dilated_sum_neck import DilatedSumNeck
from .tpavi import TPAVI

__all__ = ['AddAudio', 'AudioFiLM', 'ChannelAlign', 'DilatedSumNeck', 'TPAVI']

from .av_segmentor import AVSegmentor
from .avs_tta import AVSTTAModel

__all__ = ['AVSTTAModel', 'AVSegmentor']

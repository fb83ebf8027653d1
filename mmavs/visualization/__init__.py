"""Pictures of clips."""

from .clip_sheet import clip_sheet, log_mel_strip, overlay, sheet
from .local_visualizer import AVSLocalVisualizer

__all__ = [
    'AVSLocalVisualizer',
    'clip_sheet',
    'log_mel_strip',
    'overlay',
    'sheet',
]

"""Pictures of clips."""

from .clip_sheet import clip_sheet, log_mel_strip, overlay, sheet
from .files import picture_path
from .instances import draw_instances
from .local_visualizer import AVSLocalVisualizer

__all__ = [
    'AVSLocalVisualizer',
    'clip_sheet',
    'draw_instances',
    'log_mel_strip',
    'overlay',
    'picture_path',
    'sheet',
]

"""Pictures of clips."""

from typing import TYPE_CHECKING

from mmavs.lazy_names import lazy_names

if TYPE_CHECKING:
    from .files import picture_path
    from .instances import draw_instances
    from .local_visualizer import AVSLocalVisualizer
    from .sheets import clip_sheet, log_mel_strip, overlay, sheet

__all__ = [
    'AVSLocalVisualizer',
    'clip_sheet',
    'draw_instances',
    'log_mel_strip',
    'overlay',
    'picture_path',
    'sheet',
]

# maps of regions are there without torch and OpenCV
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        'files': ['picture_path'],
        'instances': ['draw_instances'],
        'local_visualizer': ['AVSLocalVisualizer'],
        'sheets': ['clip_sheet', 'log_mel_strip', 'overlay', 'sheet'],
    },
)

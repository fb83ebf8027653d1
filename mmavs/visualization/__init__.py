"""Pictures of clips."""

from importlib import import_module
from typing import TYPE_CHECKING

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
_HOMES = {
    'AVSLocalVisualizer': 'local_visualizer',
    'clip_sheet': 'sheets',
    'draw_instances': 'instances',
    'log_mel_strip': 'sheets',
    'overlay': 'sheets',
    'picture_path': 'files',
    'sheet': 'sheets',
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    home = import_module(f'mmavs.visualization.{_HOMES[name]}')
    return getattr(home, name)


def __dir__() -> list:
    return sorted({*globals(), *__all__})

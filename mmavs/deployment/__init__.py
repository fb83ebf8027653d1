"""Models out of PyTorch: ONNX, torch.export, AOTInductor."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .exporting import export_model
    from .onnx_model import OnnxModel
    from .onnx_segmentor import run_by_onnx

__all__ = ['OnnxModel', 'export_model', 'run_by_onnx']

# what runs an exported model is there without torch
_HOMES = {
    'OnnxModel': 'mmavs.deployment.onnx_model',
    'export_model': 'mmavs.deployment.exporting',
    'run_by_onnx': 'mmavs.deployment.onnx_segmentor',
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list:
    return sorted({*globals(), *__all__})

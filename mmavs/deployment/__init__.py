"""Models out of PyTorch: ONNX, torch.export, AOTInductor."""

from typing import TYPE_CHECKING

from mmavs.lazy_names import lazy_names

if TYPE_CHECKING:
    from .exporting import export_model
    from .onnx_model import OnnxModel
    from .onnx_segmentor import run_by_onnx

__all__ = ['OnnxModel', 'export_model', 'run_by_onnx']

# what runs an exported model is there without torch
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        'exporting': ['export_model'],
        'onnx_model': ['OnnxModel'],
        'onnx_segmentor': ['run_by_onnx'],
    },
)

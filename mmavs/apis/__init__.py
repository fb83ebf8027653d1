"""Models by name, and inference on clips and on anyone's video."""

from typing import TYPE_CHECKING

from mmavs.lazy_names import lazy_names

if TYPE_CHECKING:
    from mmavs.model_index import list_models

    from .cuda_graphs import use_cuda_graphs
    from .inference import inference_model
    from .inferencer import AVSInferencer
    from .models import init_model

__all__ = [
    'AVSInferencer',
    'inference_model',
    'init_model',
    'list_models',
    'use_cuda_graphs',
]

# names of models are there without torch, so the rest comes when asked for
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        'cuda_graphs': ['use_cuda_graphs'],
        'inference': ['inference_model'],
        'inferencer': ['AVSInferencer'],
        'models': ['init_model'],
        'mmavs.model_index': ['list_models'],
    },
)

"""Models by name, and inference on clips and on anyone's video."""

from importlib import import_module
from typing import TYPE_CHECKING

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
_HOMES = {
    'AVSInferencer': 'mmavs.apis.inferencer',
    'inference_model': 'mmavs.apis.inference',
    'init_model': 'mmavs.apis.models',
    'list_models': 'mmavs.model_index',
    'use_cuda_graphs': 'mmavs.apis.cuda_graphs',
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list:
    return sorted({*globals(), *__all__})

"""Models by name, and inference on clips and on anyone's video."""

from mmavs.utils.model_index import list_models

from .inference import inference_model
from .inferencer import AVSInferencer
from .models import init_model

__all__ = ['AVSInferencer', 'inference_model', 'init_model', 'list_models']

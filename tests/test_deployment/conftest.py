"""The model that is part of mmavs, exported once."""

from typing import NamedTuple

import pytest
from torch import nn

from mmavs.apis import init_model
from mmavs.deployment import export_model
from mmavs.model_index import EXAMPLE_MODEL


class Exported(NamedTuple):
    model: nn.Module
    path: str
    facts: dict


@pytest.fixture(scope='session')
def exported(tmp_path_factory):
    """Takes waveforms: the log-mel is a part of the graph."""
    pytest.importorskip('onnxscript')
    pytest.importorskip('onnxruntime')
    model = init_model(EXAMPLE_MODEL, device='cpu')
    path = tmp_path_factory.mktemp('exported') / 'film.onnx'
    return Exported(model, path, export_model(model, path, log_mel=True))

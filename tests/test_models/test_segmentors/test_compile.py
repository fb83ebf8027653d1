"""torch.compile by one field: the same figures, and no graph that breaks."""

import pytest
import torch

from mmavs.apis import init_model
from mmavs.testing.random_clips import random_clips

METHODS = (
    *('tpavi_tiny_ms3', 'avsbg_tiny_ms3', 'avsegformer_tiny_ms3'),
    *('avsac_tiny_ms3', 'avis_tiny_ms3', 'avis_tiny_ms3_stage1'),
    *('catr_tiny_ms3', 'auralsam2_tiny_ms3', 'add_tiny_ms3'),
    *('nosound_tiny_ms3', 'film_tiny_ms3'),
)


def clips(model):
    return random_clips(model, 2, 5, 64)[0]


def breaks(model):
    """Why dynamo would leave the network for Python, and come back."""
    inputs = clips(model)

    def network(inputs):
        return model.encode_decode(inputs).logits

    torch._dynamo.reset()
    with torch.no_grad():
        found = torch._dynamo.explain(network)(inputs)
    assert found.graph_count == 1 + found.graph_break_count
    return [str(reason.reason) for reason in found.break_reasons]


@pytest.mark.slow
@pytest.mark.parametrize('name', METHODS)
def test_no_graph_breaks_in_any_method(name):
    assert breaks(init_model(name, 'random', 'cpu')) == []


def test_parts_are_compiled_by_one_field():
    """Graphs run as they are traced, which needs no compiler; none breaks."""
    torch.manual_seed(0)
    plain = init_model('film_tiny_ms3', 'random', 'cpu')
    field = {'model.compile': dict(backend='eager')}
    compiled = init_model('film_tiny_ms3', 'random', 'cpu', field)
    compiled.load_state_dict(plain.state_dict())
    counts = torch._dynamo.utils.counters['stats']
    before = counts['unique_graphs']
    inputs = clips(plain)
    with torch.no_grad():
        wanted = plain.encode_decode(inputs).logits
        found = compiled.encode_decode(inputs).logits
    # backbone, audio encoder, two necks, head
    assert counts['unique_graphs'] - before == 5
    assert torch.allclose(found, wanted, atol=1e-5)


def test_without_a_compiler_that_is_said(monkeypatch):
    monkeypatch.setenv('CXX', '/no/such/compiler')
    with pytest.raises(RuntimeError, match='compiler is not there. Fix: inst'):
        init_model('film_tiny_ms3', 'random', 'cpu', {'model.compile': True})


def test_another_value_is_refused():
    field = {'model.compile': 'yes'}
    with pytest.raises(TypeError, match="is True or a dict, got 'yes'"):
        init_model('film_tiny_ms3', 'random', 'cpu', field)

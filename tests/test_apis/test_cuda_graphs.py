"""CUDA graphs: what is recorded when, and what comes out."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmavs.apis import use_cuda_graphs
from mmavs.apis.cuda_graphs import GraphedNetwork
from mmavs.structures import AVFeatures, AVHeadOutput


class Network(nn.Module):
    """Adds its weight to the first channel of frames."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.decode_head = SimpleNamespace()

    def encode_decode(self, inputs, data_samples=None):
        logits = inputs['imgs'][0, :, :1] + self.weight
        return AVHeadOutput(logits, AVFeatures((logits,)))


class Recorder:
    """Records as a CUDA graph does: the same memory each time."""

    def __init__(self):
        self.shapes = []

    def __call__(self, run, inputs):
        self.shapes.append(tuple(inputs['imgs'].shape))
        memory = {name: value.clone() for name, value in inputs.items()}
        output = run(memory)

        def replay(given):
            for name, value in given.items():
                memory[name].copy_(value)
            output.logits.copy_(run(memory).logits)
            return output

        return replay


def clip(value, side=2):
    return dict(imgs=torch.full((1, 5, 3, side, side), float(value)))


@pytest.fixture
def graphed():
    return GraphedNetwork(Network().eval(), 2, Recorder())


@torch.no_grad()
def test_results_stay_when_the_memory_is_used_again(graphed):
    first, second = graphed(clip(1)), graphed(clip(5))
    assert (first.logits == 2).all() and (second.logits == 6).all()
    assert (first.features.visual[0] == 2).all()
    assert first.logits.shape == (5, 1, 2, 2)
    assert len(graphed.record.shapes) == 1


@torch.no_grad()
def test_one_graph_for_each_shape_and_the_oldest_goes(graphed):
    for side in (2, 3, 2, 4, 2, 3):  # 3 is the oldest as 4 comes
        assert (graphed(clip(side, side)).logits == side + 1).all()
    sides = [shape[-1] for shape in graphed.record.shapes]
    assert sides == [2, 3, 4, 3]
    assert len(graphed.graphs) == 2


def test_training_and_gradients_run_as_before(graphed):
    output = graphed(clip(1))
    output.logits.sum().backward()
    assert graphed.model.weight.grad == 20
    graphed.model.train()
    with torch.no_grad():
        graphed(clip(1))
    assert not graphed.record.shapes


def test_a_cpu_is_refused():
    with pytest.raises(RuntimeError, match="on cpu. Fix: .*device='cuda'"):
        use_cuda_graphs(Network())


@pytest.mark.parametrize('what', ['finds_instances', 'remembers'])
def test_what_differs_from_clip_to_clip_is_refused(what, monkeypatch):
    network = Network()
    setattr(network.decode_head, what, True)
    place = SimpleNamespace(device=torch.device('cuda'))
    monkeypatch.setattr(network, 'parameters', lambda: iter([place]))
    with pytest.raises(ValueError, match='Fix: leave CUDA graphs out'):
        use_cuda_graphs(network)
    assert 'encode_decode' not in vars(network)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize(
    'name', ['tpavi', 'avsbg', 'avsegformer', 'avsac', 'catr', 'film']
)
@torch.no_grad()
def test_replayed_logits_equal_eager_ones(name):
    from mmavs.apis import init_model
    from mmavs.testing import wake
    from mmavs.testing.random_clips import random_clips

    model = wake(init_model(f'{name}_tiny_ms3', 'random', 'cuda'))
    first, second = (
        {k: v + shift for k, v in random_clips(model, 1, 5, 64)[0].items()}
        for shift in (0, 0.5)
    )
    batches = [{k: v.cuda() for k, v in x.items()} for x in (first, second)]
    expected = [model.encode_decode(batch).logits for batch in batches]
    use_cuda_graphs(model)
    for batch, right in zip(batches, expected):
        torch.testing.assert_close(model.encode_decode(batch).logits, right)

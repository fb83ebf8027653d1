"""benchmark_gpu needs a card; what it runs is tried on the CPU."""

import pytest
import torch
from run_tool import load_tool, run_tool

from mmavs.analysis.gpu_speed import sampling_rows
from mmavs.models.layers import deformable_attention

TOOL = 'analysis_tools/benchmark_gpu'


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_without_a_card_it_says_so(monkeypatch):
    with pytest.raises(ValueError, match='none here. Fix: run it where'):
        run_tool(TOOL, monkeypatch=monkeypatch)


def test_each_form_is_asked_for_by_name(monkeypatch):
    """Two runs of each work, after three that do not count."""
    asked = []

    def summed(value, shapes, points, weights):
        asked.append((deformable_attention.FORM, torch.is_grad_enabled()))
        weighed = value.sum((1, 3)).float() * weights.sum() * points.sum()
        return weighed.to(value.dtype)

    monkeypatch.setattr('mmavs.analysis.gpu_speed.sum_samples', summed)
    rows = sampling_rows(
        torch.device('cpu'), ['triton', 'torch'], 2, ['bf16'], [(2, 3)]
    )
    assert [row.what for row in rows] == [
        'samples by triton',
        'samples by triton, with gradients',
        'samples by torch',
        'samples by torch, with gradients',
    ]
    assert {row.precision for row in rows} == {'bf16'}
    for form in ('triton', 'torch'):
        for gradients in (False, True):
            assert asked.count((form, gradients)) == 2 + 3 + 1  # and its peak
    assert deformable_attention.FORM == 'auto'
    table = load_tool(TOOL).show('a card', rows)
    assert table.row_count == 4 and table.title == 'a card'


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_figures_of_a_small_network(monkeypatch, tmp_path, capsys):
    out = tmp_path / 'figures.json'
    config = 'configs/synthetic/avsegformer_tiny_ms3.py'
    words = (config, '--repeats', 2, '--precision', 'fp32', '--out', out)
    run_tool(TOOL, *words, monkeypatch=monkeypatch)
    assert torch.cuda.get_device_name() in capsys.readouterr().out
    assert '"network, CUDA graph"' in out.read_text()

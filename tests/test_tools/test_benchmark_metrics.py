"""The metrics are faster than the loops, by the factors they promise."""

import importlib.util
from pathlib import Path

import torch

TOOL = (
    Path(__file__).parents[2]
    / 'tools'
    / 'analysis_tools'
    / 'benchmark_metrics.py'
)


def test_factors_on_one_thread():
    spec = importlib.util.spec_from_file_location('benchmark_metrics', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = tool.benchmark('cpu', repeats=10)
    finally:
        torch.set_num_threads(threads)
    factors = [before / after for _, before, after in rows]
    assert factors[0] >= 10, rows
    assert factors[1] >= 2, rows

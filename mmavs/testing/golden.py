"""Golden figures: weights from a recipe, inputs and outputs from a file.

A recipe lists one record a tensor: ``value = float32(a + b * R)`` with R drawn
by ``numpy.random.RandomState(seed)`` (``randn`` or ``rand``), ``zero``, or
``shared`` with an earlier tensor. So a full-size network's weights travel as a
few kilobytes.
"""

import json
from pathlib import Path
from typing import Dict, List, Union

import numpy as np
import torch
from torch import Tensor

GOLDEN_DIR = Path(__file__).resolve().parents[2] / 'tests' / 'data' / 'golden'


def load_json(name: str):
    """Read ``tests/data/golden/<name>.json``."""
    return json.loads((GOLDEN_DIR / f'{name}.json').read_text())


def load_arrays(name: str) -> Dict[str, np.ndarray]:
    """Read ``tests/data/golden/<name>.npz`` (no pickled objects)."""
    with np.load(GOLDEN_DIR / f'{name}.npz', allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def randn(seed: int, *shape: int, scale: float = 1.0) -> Tensor:
    """``rn(seed, *shape)`` of the golden files, as a float32 tensor."""
    values = scale * np.random.RandomState(seed).randn(*shape)
    return torch.from_numpy(values.astype(np.float32))


def recipe_state_dict(recipe: Union[dict, List[dict]]) -> Dict[str, Tensor]:
    """Rebuild weights from their recipe.

    Args:
        recipe (dict or list): Records, or a dict that holds them under
            ``'tensors'``.

    Returns:
        dict[str, Tensor]: Named as in the released code.

    Raises:
        ValueError: A rebuilt tensor's sum is not the recorded one.
    """
    records = recipe['tensors'] if isinstance(recipe, dict) else recipe
    weights: Dict[str, Tensor] = {}
    for record in records:
        weights[record['key']] = _rebuild(record, weights)
    return weights


def _rebuild(record: dict, weights: Dict[str, Tensor]) -> Tensor:
    kind, shape = record['kind'], record['shape']
    if kind == 'shared':
        return weights[record['same_as']]
    if kind == 'zero':
        return torch.zeros(shape)
    draw = getattr(np.random.RandomState(record['seed']), kind)
    values = (record['a'] + record['b'] * draw(*shape)).astype(np.float32)
    total = float(values.astype(np.float64).sum())
    if abs(total - record['sum']) > 1e-6 * max(1, abs(record['abs'])):
        raise ValueError(
            f'{record["key"]}: recipe gives sum {total}, '
            f'recorded {record["sum"]}'
        )
    return torch.from_numpy(np.asarray(values))


def assert_close(actual: Tensor, expected: np.ndarray, name: str = '') -> None:
    """Compare with ``atol = max(2e-6, 2e-5 * max|expected|)``.

    The tolerance is that of float32 re-runs of one and the same network.
    """
    expected = torch.from_numpy(np.asarray(expected)).to(torch.float64)
    actual = actual.detach().to(torch.float64)
    assert actual.shape == expected.shape, (name, actual.shape, expected.shape)
    atol = max(2e-6, 2e-5 * float(expected.abs().max()))
    worst = float((actual - expected).abs().max())
    assert worst <= atol, f'{name}: differs by {worst:.3g} > {atol:.3g}'

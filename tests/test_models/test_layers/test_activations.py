"""Activations that spare memory."""

import torch
from torch import nn

from mmavs.models.layers.activations import SparingGELU


def test_in_place_where_no_gradient_is_taken():
    x = torch.randn(3, 7)
    wanted = nn.functional.gelu(x)
    given = x.clone()
    assert torch.equal(SparingGELU()(given), wanted)
    assert torch.equal(given, x)
    with torch.no_grad():
        found = SparingGELU()(given)
    assert torch.equal(found, wanted)
    assert found.data_ptr() == given.data_ptr()


def test_gradients_stay():
    x = torch.randn(3, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SparingGELU(), x)

"""What starts at zero is drawn, and nothing else is touched."""

import torch
from torch import nn

from mmavs.testing import wake


def test_zeros_are_drawn_and_others_stay():
    module = nn.Linear(3, 2)
    module.scale = nn.Parameter(torch.tensor(0.0))
    module.bias.data.zero_()
    weight = module.weight.clone()
    assert wake(module) is module
    assert torch.equal(module.weight, weight)
    assert module.bias.all() and module.bias.abs().max() < 1
    assert module.scale.item() == torch.tensor(0.7).item()

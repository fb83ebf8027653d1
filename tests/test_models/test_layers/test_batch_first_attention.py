"""Attention over tokens as they lie gives what PyTorch's gives."""

import pytest
import torch
from torch import nn

from mmavs.models.layers.attention import BatchFirstAttention

EXACT = dict(rtol=1e-10, atol=1e-12)


def pair(**options):
    torch.manual_seed(0)
    plain = nn.MultiheadAttention(12, 3, batch_first=True, **options).double()
    ours = BatchFirstAttention(12, 3, **options).double()
    ours.load_state_dict(plain.state_dict())
    return plain, ours


def tokens(*lengths):
    return [
        torch.randn(2, length, 12, dtype=torch.float64, requires_grad=True)
        for length in lengths
    ]


@pytest.mark.parametrize('bias', [True, False])
def test_values_and_gradients(bias):
    plain, ours = pair(bias=bias)
    given = tokens(5, 7, 7)
    results = []
    for module in (plain, ours):
        output, maps = module(*given, need_weights=False)
        assert maps is None
        leaves = [*given, *module.parameters()]
        weights = torch.linspace(-1, 1, output.numel()).view_as(output)
        results.append(
            [output, *torch.autograd.grad((output * weights).sum(), leaves)]
        )
    for found, wanted in zip(results[1], results[0]):
        torch.testing.assert_close(found, wanted, **EXACT)


def test_dropout_draws_the_same():
    plain, ours = pair(dropout=0.5)
    given = tokens(5, 7, 7)
    found = []
    for module in (plain, ours):
        torch.manual_seed(1)
        found.append(module(*given, need_weights=False)[0])
    torch.testing.assert_close(*found, **EXACT)
    ours.eval()
    assert not torch.allclose(ours(*given, need_weights=False)[0], found[0])


def test_masks_and_maps_go_the_other_way():
    plain, ours = pair()
    query, key, value = tokens(5, 7, 7)
    hidden = torch.zeros(2, 7, dtype=torch.bool)
    hidden[:, 4:] = True
    for options in (
        dict(key_padding_mask=hidden, need_weights=False),
        dict(attn_mask=None, need_weights=True),
    ):
        wanted = plain(query, key, value, **options)
        found = ours(query, key, value, **options)
        for one, other in zip(found, wanted):
            assert one is other is None or torch.equal(one, other)

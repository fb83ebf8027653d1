"""Names of released AVS-BG checkpoints."""

import pytest
import torch

from mmavs.testing.golden import load_json
from mmavs.weights.released import avsbg


def released(name):
    """All keys of a full-size released model, with empty storage."""
    shapes = load_json(f'keys_avsbg_{name}')['state_dict']
    return {
        key: torch.empty(shape, device='meta') for key, shape in shapes.items()
    }


def test_unused_tensors_are_dropped_and_the_rest_is_kept():
    state = released('pvt_basic')
    converted = avsbg.convert(state)
    dead = sum(
        value.numel()
        for key, value in state.items()
        if key.startswith('audio_neck.')
        or key.startswith(
            'decoder.short_connect_with_decode_module.0.resConfUnit1.'
        )
    )
    statistics = 2 * (2 * 128 + 1)  # two norms of the skip unit
    assert dead - statistics == 311_936  # the 0.31 M of 85.50 M
    total = sum(value.numel() for value in state.values())
    kept = sum(value.numel() for value in converted.values())
    assert kept == total - dead


@pytest.mark.parametrize(
    'name, key',
    [
        ('pvt_basic', 'neck.0.scales.3.4.weight'),
        ('pvt_aspp', 'neck.0.scales.3.branches.2.weight'),
        ('resnet_basic', 'backbone.layer3.5.bn2.running_var'),
    ],
)
def test_checkpoints_of_every_kind(name, key):
    state = released(name)
    converted = avsbg.convert({f'module.{k}': v for k, v in state.items()})
    assert key in converted
    assert 'decode_head.lateral_units.2.conv1.bn.weight' in converted
    assert 'decode_head.lateral_units.3.conv1.bn.weight' not in converted
    assert 'auxiliary_losses.0.mask_decoder.weight' in converted
    assert {k.split('.')[0] for k in converted} == {
        'backbone',
        'neck',
        'decode_head',
        'auxiliary_losses',
    }


def test_errors():
    with pytest.raises(ValueError, match=r"AVS-BG checkpoint: \['head.fc'\]"):
        avsbg.convert({'head.fc': torch.zeros(1)})
    with pytest.raises(ValueError, match='has a Swin backbone'):
        avsbg.convert({'encoder.patch_embed.proj.weight': torch.zeros(1)})

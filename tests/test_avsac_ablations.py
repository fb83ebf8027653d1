"""Every row of AVSAC's Tables 2 to 5 is one field of avsac_pvt_ms3.py."""

import argparse
from pathlib import Path

import pytest
from mmengine.config import Config, DictAction

from mmavs.registry import MODELS
from mmavs.testing.meta import OnMeta

CONFIG = Path(__file__).parents[1] / 'configs/avsac/avsac_pvt_ms3.py'


def build(option):
    """The model of the config with one option of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    config = Config.fromfile(CONFIG)
    if option:
        options = parser.parse_args(['--cfg-options', option]).cfg_options
        config.merge_from_dict(options)
    with OnMeta():
        return MODELS.build(config.model)


def millions(model):
    return sum(p.numel() for p in model.parameters()) / 1e6


@pytest.mark.parametrize(
    'row, option, expected',
    [
        ('Table 3, #1', 'model.neck.direction=a2v', 177.30),
        ('Table 3, #2', 'model.neck.direction=v2a', 176.06),
        ('Table 3, #3', 'model.neck.audio_guidance=False', 177.30),
        ('Table 3, #4', '', 178.88),
        ('Table 5, 2', 'model.neck.num_layers=2', 175.95),
        ('Table 5, 4', 'model.neck.num_layers=4', 177.41),
        ('Table 5, 6', 'model.neck.num_layers=6', 178.88),
    ],
)
def test_rows_of_the_network(row, option, expected):
    assert millions(build(option)) == pytest.approx(expected, abs=0.005), row


@pytest.mark.parametrize(
    'row, option, kinds, terms',
    [
        ('Table 2, #2', 'model.auxiliary_losses=[]', [], None),
        (
            'Table 4, Dice',
            'model.train_cfg.losses=[decode.loss_dice]',
            ['kl'],
            ['decode.loss_dice'],
        ),
        ('Table 4, L2', 'model.auxiliary_losses.0.kind=l2', ['l2'], None),
        (
            'Table 4, frame-wise L2',
            'model.auxiliary_losses.0.kind=frame_l2',
            ['frame_l2'],
            None,
        ),
        ('Tables 2 and 4, ours', '', ['kl'], None),
    ],
)
def test_rows_of_the_loss(row, option, kinds, terms):
    model = build(option)
    assert [loss.kind for loss in model.auxiliary_losses] == kinds, row
    assert (model.train_cfg or {}).get('losses') == terms, row
    names = [loss.loss_name for loss in model.decode_head.loss_decode]
    assert names == ['loss_focal', 'loss_dice']

"""Every row of AVSAC's Tables 2 to 5 is one field, as the README says."""

import re
import shlex
from pathlib import Path

import pytest

from mmavs.registry import MODELS
from mmavs.testing.configs import config_with
from mmavs.testing.meta import OnMeta

FOLDER = Path(__file__).parents[1] / 'configs/avsac'


def config(setting, option):
    """The config with one option of the command line."""
    options = shlex.split(option)
    assert len(options) <= 1  # one field each
    return config_with(FOLDER / f'avsac_pvt_{setting}.py', *options)


def build(option):
    with OnMeta():
        return MODELS.build(config('ms3', option).model)


def millions(model):
    return sum(p.numel() for p in model.parameters()) / 1e6


# row of the paper: (option, millions of parameters)
NETWORKS = {
    'Table 3, #1': ('model.neck.decoder.direction=a2v', 177.30),
    'Table 3, #2': ('model.neck.decoder.direction=v2a', 176.06),
    'Table 3, #3': ('model.neck.decoder.audio_guidance=False', 177.30),
    'Table 3, #4': ('', 178.88),
    'Table 5, 2': ('model.neck.decoder.num_layers=2', 175.95),
    'Table 5, 4': ('model.neck.decoder.num_layers=4', 177.41),
    'Table 5, 6': ('model.neck.decoder.num_layers=6', 178.88),
}
# row of the paper: (option, kinds of AVFS, terms that are kept)
LOSSES = {
    'Table 2, #2': ('model.auxiliary_losses="[]"', [], None),
    'Table 4, Dice': (
        'model.train_cfg.losses="[decode.loss_dice]"',
        ['kl'],
        ['decode.loss_dice'],
    ),
    'Table 4, L2': ('model.auxiliary_losses.0.kind=l2', ['l2'], None),
    'Table 4, frame-wise L2': (
        'model.auxiliary_losses.0.kind=frame_l2',
        ['frame_l2'],
        None,
    ),
    'Tables 2 and 4, ours': ('', ['kl'], None),
}
DEFAULTS = ('', 'model.neck.decoder.num_layers=6')
OPTIONS = sorted({row[0] for row in [*NETWORKS.values(), *LOSSES.values()]})


@pytest.mark.parametrize('row', NETWORKS)
def test_rows_of_the_network(row):
    option, expected = NETWORKS[row]
    assert millions(build(option)) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize('row', LOSSES)
def test_rows_of_the_loss(row):
    option, kinds, terms = LOSSES[row]
    model = build(option)
    assert [loss.kind for loss in model.auxiliary_losses] == kinds
    assert (model.train_cfg or {}).get('losses') == terms
    names = [loss.loss_name for loss in model.decode_head.loss_decode]
    assert names == ['loss_focal', 'loss_dice']


@pytest.mark.parametrize('option', OPTIONS)
def test_s4_has_the_same_rows(option):
    ms3, s4 = config('ms3', option), config('s4', option)
    assert s4.model == ms3.model
    changed = s4.model != config('s4', '').model
    assert changed == (option not in DEFAULTS)


def test_the_readme_lists_these_fields():
    text = (FOLDER / 'README.md').read_text().split('## Every row')[1]
    listed = re.findall(r'^\| Table[^|]*\| `(model\.[^`]*)`', text, re.M)
    listed.append(
        'model.neck.decoder.num_layers=4'
    )  # stands as "`=4`" behind 2
    assert set(listed) == set(OPTIONS) - set(DEFAULTS)

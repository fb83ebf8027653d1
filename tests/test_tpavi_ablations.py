"""Every ablation of the baseline's paper is one field, as the README says."""

import re
import shlex
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.models.necks import TPAVI, AddAudio
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients
from mmavs.testing.configs import config_with
from mmavs.testing.meta import OnMeta

FOLDER = Path(__file__).resolve().parents[1] / 'configs' / 'tpavi'


def build(name, fields):
    config = config_with(FOLDER / f'tpavi_{name}.py', *fields)
    # no row changes the encoders, and they take the time
    config.model.backbone = dict(type='ResNet', depth=18, base_channels=4)
    config.model.audio_encoder = None
    with OnMeta():
        return MODELS.build(config.model)


def readme_fields():
    """(table, field) of every row of the ablation tables."""
    text = (FOLDER / 'README.md').read_text().split('## Ablations')[1]
    for section in text.split('### Table ')[1:]:
        table = int(section[0])
        for line in section.split('\n## ')[0].splitlines():
            cells = [cell.strip() for cell in line.split('|')]
            if len(cells) > 3 and cells[2].startswith('`model.'):
                yield table, cells[2].strip('`')


def test_the_readme_lists_every_row():
    tables = [table for table, _ in readme_fields()]
    assert {t: tables.count(t) for t in set(tables)} == {
        5: 2,
        6: 2,
        7: 6,
        8: 1,
    }
    for _, field in readme_fields():
        assert len(shlex.split(field)) == 1  # one field each


@pytest.mark.parametrize('backbone', ['pvt', 'r50'])
@pytest.mark.parametrize('setting', ['s4', 'ms3', 'avss'])
def test_every_row_builds(backbone, setting):
    for table, field in readme_fields():
        if setting == 's4' and table == 6 or setting != 'ms3' and table == 8:
            continue
        neck = build(f'{backbone}_{setting}', [field]).neck[1]
        stages = re.fullmatch(r'model.neck.1.stages=\[(.*)\]', field)
        if stages:
            expected = tuple(int(i) for i in stages[1].split(',') if i)
            assert neck.stages == expected
            assert len(neck.blocks) == len(expected)


def test_rows_do_what_they_say():
    assert isinstance(
        build('pvt_avss', ['model.neck.1.type=AddAudio']).neck[1], AddAudio
    )
    base = build('r50_avss', [])
    assert isinstance(base.neck[1], TPAVI)
    assert base.neck[1].blocks['0'].align.bias is None
    assert [loss.mode for loss in base.auxiliary_losses] == ['audio-visual']
    assert base.auxiliary_losses[0].reduction == 'mean'
    field = 'model.auxiliary_losses.0.mode=visual-visual'
    loss = build('r50_ms3', [field]).auxiliary_losses[0]
    assert (loss.mode, loss.reduction) == ('visual-visual', 'sum')
    literal = build('r50_ms3', ['model.neck.1.norm_cfg=None']).neck[1]
    assert literal.blocks['0'].norm is None
    assert (
        build('r50_ms3', ['model.neck.1.window=None']).neck[1].window is None
    )
    assert len(build('r50_s4', []).auxiliary_losses) == 0


def test_released_recipe():
    """Adam 1e-4, constant; batch 4; 15, 30 and 60 epochs."""
    for setting, epochs in (('s4', 15), ('ms3', 30), ('avss', 60)):
        config = Config.fromfile(FOLDER / f'tpavi_pvt_{setting}.py')
        assert config.train_cfg.max_epochs == epochs
        assert config.train_dataloader.batch_size == 4
        optimizer = config.optim_wrapper.optimizer
        assert dict(optimizer) == dict(type='Adam', lr=1e-4, fused=True)
        assert 'param_scheduler' not in config
        assert 'clip_grad' not in config.optim_wrapper
    assert config.model.data_preprocessor.num_frames == 10
    assert 'auxiliary_losses' not in Config.fromfile(
        FOLDER / 'tpavi_pvt_s4.py'
    ).get('model')


def test_gradients_reach_every_weight():
    """At a small size, with the norms that start at zero drawn."""
    config = Config.fromfile(FOLDER / 'tpavi_r50_ms3.py')
    config.model.backbone.update(depth=18, base_channels=8, init_cfg=None)
    config.model.audio_encoder = None
    config.model.neck[0].in_channels = [8, 16, 32, 64]
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    images, sound = torch.randn(5, 3, 64, 64), torch.randn(5, 128)

    def run():
        features = AVFeatures(tuple(model.backbone(images)), sound)
        for neck in model.neck:
            features = neck(features._replace(num_frames=5))
        output = model.decode_head(features._replace(num_frames=5))
        return output.logits.square().sum()

    check_gradients(model, run)

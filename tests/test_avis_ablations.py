"""Every ablation of AVIS is one field, as the README says."""

import re
from pathlib import Path

import pytest
import torch

from mmavs.registry import MODELS
from mmavs.testing.configs import config_with
from mmavs.testing.meta import OnMeta

FOLDER = Path(__file__).resolve().parents[1] / 'configs/avis'
NO_SOAS = 'model.decode_head.loss_silent.loss_weight=0'
NO_AVSC = 'model.decode_head.avsc=None'
BATCH_20 = 'train_dataloader.batch_size=20'
PAIRS = [
    f'{backbone}_{setting}'
    for backbone in ('swin-b', 'pvt', 'r50')
    for setting in ('s4', 'ms3')
] + ['swin-b_s4_m2f', 'swin-b_ms3_m2f']


BOTH_STAGES = (
    'model.decode_head.freeze_segmentation=False',
    'custom_hooks=[]',
)


def config(name, *options):
    return config_with(FOLDER / f'avis_{name}.py', *options)


def build(name, *options):
    model = config(name, *options).model
    # no row changes the backbone, and it takes the time
    model.backbone = dict(type='ResNet', depth=18, base_channels=4)
    with OnMeta():
        return MODELS.build(model)


def test_the_readme_lists_these_fields():
    text = (FOLDER / 'README.md').read_text()
    text = text.split('## Ablations of the paper')[1].split('\n## ')[0]
    fields = re.findall(r'^\| [348] \|.*?`([^`]*=[^`]*)`', text, re.M)
    assert fields == [NO_SOAS, NO_AVSC, BATCH_20]


@pytest.mark.parametrize('name', PAIRS)
def test_without_silent_object_loss(name):
    """Table 3."""
    stage_1 = f'{name}_stage1'
    head = build(stage_1).decode_head
    assert head.loss_silent.loss_weight == 1.0
    without = build(stage_1, NO_SOAS).decode_head
    assert without.loss_silent.loss_weight == 0.0
    masks = torch.randn(2, 3, 4, 4)
    unmatched, union = torch.ones(2, 3).bool(), torch.ones(2, 4, 4).bool()
    assert float(head.loss_silent(masks, unmatched, union)) > 0
    assert float(without.loss_silent(masks, unmatched, union)) == 0


@pytest.mark.parametrize('name', PAIRS)
def test_without_avsc(name):
    """Table 4: the highest-scored object, whatever is heard."""
    assert build(name).decode_head.avsc is not None
    head = build(name, NO_AVSC).decode_head
    assert head.avsc is None
    assert not any('avsc' in key for key in head.state_dict())


@pytest.mark.parametrize('name', PAIRS)
def test_recipe_of_both_stages(name):
    """Section 4.1; Table 8 takes batches of 20."""
    first, second = config(f'{name}_stage1'), config(name)
    for stage, rate, frames in ((first, 1e-4, 32), (second, 1e-3, 64)):
        optimizer = stage.optim_wrapper.optimizer
        assert (optimizer.type, optimizer.lr) == ('Adam', rate)
        assert stage.train_dataloader.batch_size == frames
        assert stage.train_dataloader.dataset.type == 'SingleFrames'
    assert second.load_from.endswith(f'avis_{name}_stage1.pth')
    smaller = config(f'{name}_stage1', BATCH_20)
    assert smaller.train_dataloader.batch_size == 20
    sound = 'BEATs' if name.startswith('swin') else 'VGGish'
    assert second.model.audio_encoder.type == sound
    assert first.model.get('audio_encoder') is None


@pytest.mark.parametrize('name', PAIRS)
def test_stage_2_trains_avsc_alone(name):
    model = build(name)
    trained = {
        key.rsplit('.', 2)[0].split('.mlp')[0]
        for key, parameter in model.named_parameters()
        if parameter.requires_grad and not key.startswith('backbone')
    }
    assert trained == {'decode_head.avsc'}
    hooks = config(name).custom_hooks
    assert [(hook.type, hook.num_epochs) for hook in hooks] == [
        ('FreezeBackboneHook', None)
    ]


@pytest.mark.parametrize('name', PAIRS[:2])
def test_both_stages_at_once(name):
    """An option of the README: what stage 2 freezes learns again."""
    model = build(name, *BOTH_STAGES)
    assert all(p.requires_grad for p in model.decode_head.parameters())
    assert config(name, *BOTH_STAGES).custom_hooks == []
    text = (FOLDER / 'README.md').read_text()
    (row,) = re.findall(r'^\| `model.decode_head.freeze_.*$', text, re.M)
    # without it FreezeBackboneHook keeps the backbone as it is
    assert f'`{BOTH_STAGES[1]}`' in row
    steps = config(name).train_pipeline[-2].transforms
    maps = any(step.type == 'LoadCategoryMap' for step in steps)
    assert maps == name.endswith('s4') or 'LoadCategoryMap' in row

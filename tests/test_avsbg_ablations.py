"""Every row of AVS-BG's Tables 1 and 3 to 6 is made of single fields."""

import re
from pathlib import Path

import pytest

from mmavs.registry import MODELS
from mmavs.testing.configs import config_with
from mmavs.testing.meta import OnMeta

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
ETA = 'model.auxiliary_losses.0.loss_weight='
NO_MOTION = 'model.neck.2.stages=[]'
NO_FUSION = 'model.neck.1.stages=[]'
ALL = (0, 1, 2, 3)
# fields: (weight of generation, scales with sound, scales with motion)
ROWS = {
    '': (1.0, ALL, ALL),
    ETA + '0.1': (0.1, ALL, ALL),
    ETA + '0.5': (0.5, ALL, ALL),
    ETA + '1.5': (1.5, ALL, ALL),
    ETA + '0': (0.0, ALL, ALL),
    NO_MOTION: (1.0, ALL, ()),
    f'{NO_MOTION} {ETA}0': (0.0, ALL, ()),
    f'{NO_FUSION} {NO_MOTION} {ETA}0': (0.0, (), ()),
}


def has_weights(module):
    return len(list(module.parameters())) > 0


@pytest.mark.parametrize('name', ['pvt_s4', 'pvt_ms3', 'pvt_ms3_from-s4'])
@pytest.mark.parametrize('fields', ROWS)
def test_rows_build_what_they_say(name, fields):
    config = config_with(CONFIGS / f'avsbg/avsbg_{name}.py', *fields.split())
    # no row changes the encoders, and they take the time
    config.model.backbone = dict(type='ResNet', depth=18, base_channels=4)
    config.model.audio_encoder = None
    with OnMeta():
        model = MODELS.build(config.model)
    weight, with_sound, with_motion = ROWS[fields]
    generation = model.auxiliary_losses[0]
    assert generation.loss_weight == weight
    # at 0 nothing of it is built
    assert has_weights(generation) == (weight > 0)
    _, fusion, motion = model.neck
    assert (fusion.stages, motion.stages) == (with_sound, with_motion)
    assert has_weights(fusion) == bool(with_sound)
    assert has_weights(motion) == bool(with_motion)


def test_the_readme_lists_these_rows():
    text = (CONFIGS / 'avsbg/README.md').read_text()
    text = text.split('## Ablations of the paper')[1].split('\n## ')[0]
    tables, listed = [], set()
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if not cells[0].isdigit():
            continue
        tables.append(int(cells[0]))
        fields = cells[2].replace(
            'the two of the next row', f'{NO_MOTION} {ETA}0'
        )
        found = re.findall(r'model\.\S+=[^\s`]*', fields)
        if cells[2].startswith('config'):
            for path in re.findall(r'`(configs/[^`]*)`', cells[2]):
                assert list(CONFIGS.parent.glob(path)), path
        else:
            listed.add(' '.join(found))
    assert {n: tables.count(n) for n in set(tables)} == {
        1: 4,
        3: 2,
        4: 2,
        5: 6,
        6: 4,
    }
    assert listed == set(ROWS)


@pytest.mark.parametrize('name', ['r50_s4', 'r50_ms3', 'r50_ms3_from-s4'])
def test_released_recipe(name):
    """Adam 1e-4, 12 clips, 15 or 30 epochs; chosen on val, scored alone."""
    config = config_with(CONFIGS / f'avsbg/avsbg_{name}.py')
    assert dict(config.optim_wrapper.optimizer) == dict(type='Adam', lr=1e-4)
    assert config.train_dataloader.batch_size == 12
    assert config.train_cfg.max_epochs == (15 if name == 'r50_s4' else 30)
    assert config.val_dataloader.dataset.split == 'val'
    assert config.default_hooks.checkpoint.save_best
    assert config.test_evaluator.clips_per_batch == 1
    losses = {loss.type: loss for loss in config.model.auxiliary_losses}
    semi = name == 'r50_s4'
    mask = losses['VisualToAudioLoss'].mask
    assert mask == ('predicted' if semi else 'ground_truth')
    assert ('AudioVisualMappingLoss' in losses) != semi


def test_losses_of_the_paper_by_field():
    """Eq. 3: BCE + lambda KL + consistency, where the code has structure."""
    config = config_with(
        CONFIGS / 'avsbg/avsbg_pvt_ms3.py',
        'model.decode_head.loss_decode.type=FrameBCELoss',
    )
    config.model.backbone = dict(type='ResNet', depth=18, base_channels=4)
    config.model.audio_encoder = None
    with OnMeta():
        model = MODELS.build(config.model)
    names = [loss.loss_name for loss in model.decode_head.loss_decode]
    assert names == ['loss_bce']
    weights = [loss.loss_weight for loss in model.auxiliary_losses]
    assert weights == [1.0, 0.5]  # eta, lambda

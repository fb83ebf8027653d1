"""Configs made synthetic, and what they miss."""

import shutil
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmavs.datasets import synthetic
from mmavs.utils.run_config import (
    check_inputs,
    config_to_look_at,
    tta_pipeline,
    use_synthetic,
)
from mmavs.utils.weights import how_to_get, pretrained_paths


def config():
    pretrained = dict(type='Pretrained', checkpoint='pretrained/a.pth')
    loader = dict(dataset=dict(data_root='data/avsbench/Multi-sources/'))
    wrapped = dict(dataset=dict(type='RepeatDataset', **loader))
    return Config(
        dict(
            model=dict(
                backbone=dict(type='A', init_cfg=dict(pretrained)),
                neck=[dict(type='B', init_cfg=dict(pretrained))],
                head=dict(init_cfg=dict(type='Normal', std=1)),
            ),
            train_dataloader=wrapped,
            test_dataloader=loader,
            load_from='s4.pth',
        )
    )


def test_synthetic_moves_data_and_drops_weights(monkeypatch):
    made = []
    monkeypatch.setattr(
        synthetic, 'ensure_synthetic', lambda *args: made.append(args)
    )
    cfg = config()
    assert use_synthetic(cfg) == ['data/synthetic/Multi-sources/']
    assert [(str(root), setting) for root, setting in made] == [
        ('data/synthetic', 'ms3')
    ]
    assert pretrained_paths(cfg.model) == []
    assert cfg.model.head.init_cfg.type == 'Normal'
    assert cfg.load_from is None
    inner = cfg.train_dataloader.dataset.dataset
    assert inner.data_root == cfg.test_dataloader.dataset.data_root


def test_synthetic_set_is_made_as_its_configs_want_it(
    tmp_path, monkeypatch, tiny_ms3
):
    root = Path(__file__).parents[2]
    small = Config.fromfile(root / 'configs/synthetic/film_tiny_ms3.py')
    monkeypatch.chdir(tmp_path)
    made = []

    def make(parent, setting, **plan):
        made.append((str(parent), setting, plan))

    monkeypatch.setattr(synthetic, 'ensure_synthetic', make)
    plan = dict(size=96, clips=dict(train=1000, val=40, test=200))
    use_synthetic(small)
    assert made.pop() == ('data/synthetic-96px', 'ms3', plan)
    # a set that is there stays as it is
    there = Path('data/synthetic-96px/Multi-sources')
    there.mkdir(parents=True)
    shutil.copy(tiny_ms3 / 'synthetic.json', there)
    use_synthetic(small)
    assert made.pop() == ('data/synthetic-96px', 'ms3', {})
    # one that stands in for real data is as large as that
    for loader in ('train', 'val', 'test'):
        small[f'{loader}_dataloader'].dataset.data_root = 'data/avsbench/x/'
    monkeypatch.setattr(
        'mmavs.datasets.synthetic.layouts.LAYOUTS',
        {'ms3': type('Layout', (), dict(folder='x'))},
    )
    use_synthetic(small)
    assert made == [('data/synthetic', 'ms3', {})]


def test_everything_missing_is_named_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        check_inputs(config(), 'configs/x.py', training=True)
    message = str(caught.value)
    for word in ('data/avsbench/Multi-sources/', 'pretrained/a.pth', 's4.pth'):
        assert message.count(word) == 1
    assert 'python tools/train.py configs/x.py --synthetic' in message
    with pytest.raises(FileNotFoundError) as caught:
        check_inputs(config(), 'configs/x.py', training=False)
    assert 'a.pth' not in str(caught.value)  # a test brings its checkpoint


def test_first_command_of_a_new_user(tmp_path, monkeypatch):
    """tools/train.py configs/avsac/avsac_pvt_ms3.py, without any data."""
    root, name = Path(__file__).parents[2], 'configs/avsac/avsac_pvt_ms3.py'
    avsac = Config.fromfile(root / name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        check_inputs(avsac, name, training=True)
    get = '           python tools/misc/download_weights.py '
    assert str(caught.value).splitlines() == [
        f'{name} needs what is not here:',
        '  data     data/avsbench/Multi-sources/',
        '           AVSBench, on request from its authors: lay it out as '
        'docs/en/get_started.md says,',
        '           or rebuild it from raw videos with '
        'tools/dataset_converters/prepare_avsbench.py',
        '  weights  pretrained/pvt_v2_b5.pth',
        f'{get}pvt_v2_b5.pth '
        '(from https://github.com/whai362/PVT/releases/download/v2/'
        'pvt_v2_b5.pth)',
        '  weights  pretrained/vggish-10086976.pth',
        f'{get}vggish-10086976.pth '
        '(from https://github.com/harritaylor/torchvggish/releases/download/'
        'v0.1/vggish-10086976.pth)',
        'To try this config now, without data or weights:',
        f'  python tools/train.py {name} --synthetic',
    ]


@pytest.mark.parametrize(
    'root, mend',
    [
        ('data/synthetic-96px/Multi-sources/', 'make quickstart'),
        ('/home/me/clips', 'give its folder with --cfg-options'),
    ],
)
def test_other_data_is_not_called_avsbench(root, mend, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = config()
    for loader in (cfg.train_dataloader.dataset, cfg.test_dataloader):
        loader.dataset.data_root = root
    with pytest.raises(FileNotFoundError, match=mend) as caught:
        check_inputs(cfg, 'configs/x.py', training=False)
    assert 'AVSBench, on request' not in str(caught.value)


def test_tools_advise_themselves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.py').write_text(config().pretty_text)
    monkeypatch.setattr(sys, 'argv', ['tools/analysis_tools/y.py', 'x.py'])
    with pytest.raises(FileNotFoundError) as caught:
        config_to_look_at('x.py')
    last = str(caught.value).splitlines()[-1]
    assert last == '  python tools/analysis_tools/y.py x.py --synthetic'
    assert 'a.pth' not in str(caught.value)
    root = dict(data_root=str(tmp_path))
    options = {
        'train_dataloader.dataset.dataset': root,
        'test_dataloader.dataset': root,
    }
    found = config_to_look_at('x.py', options)
    assert found.test_dataloader.dataset.data_root == str(tmp_path)


def test_complete_inputs_pass(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data/avsbench/Multi-sources').mkdir(parents=True)
    (tmp_path / 'pretrained').mkdir()
    for name in ('pretrained/a.pth', 's4.pth'):
        (tmp_path / name).touch()
    check_inputs(config(), 'configs/x.py', training=True)


def test_weights_say_how_they_are_obtained():
    assert 'download_weights.py pvt_v2_b5.pth' in how_to_get('x/pvt_v2_b5.pth')
    assert 'by hand' in how_to_get('pretrained/BEATs_iter3_plus_AS2M.pt')
    assert how_to_get('own.pth') == 'put the file there'


def test_tta_adds_flips_and_sizes_with_the_plain_clip_first():
    each = dict(
        type='ForEachFrame', transforms=[dict(type='Resize', scale=(512, 512))]
    )
    pack = dict(type='PackAVSInputs')
    cfg = Config(
        dict(test_dataloader=dict(dataset=dict(pipeline=[each, pack])))
    )
    (aug,) = tta_pipeline(cfg)
    sizes, flips, last = aug['transforms']
    assert last == [pack]
    sides = [t['transforms'][0]['scale'][0] for t in sizes]
    assert sides == [512, 448, 576]
    assert [t['transforms'][0]['prob'] for t in flips] == [0.0, 1.0]
    cfg.test_dataloader.dataset.pipeline = [pack]
    (aug,) = tta_pipeline(cfg)
    assert len(aug['transforms']) == 2
    cfg.tta_pipeline = ['mine']
    assert tta_pipeline(cfg) == ['mine']

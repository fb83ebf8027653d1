"""Configs made synthetic, and what they miss."""

import shutil
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmavs.datasets import synthetic
from mmavs.engine.run_config import (
    check_inputs,
    config_to_look_at,
    evaluators_of,
    innermost_datasets,
    load_config,
    loader_of,
    use_synthetic,
    use_tta,
)
from mmavs.weights.addresses import how_to_get, pretrained_paths

ROOT = Path(__file__).resolve().parents[2]


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


def check_training(config, path):
    splits = ('train', 'val')
    check_inputs(config, path, splits, 'tools/train.py', weights=True)


def test_composed_data_have_a_synthetic_twin_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where make photo made nothing
    made = []
    monkeypatch.setattr(
        synthetic,
        'ensure_synthetic',
        lambda *args, **plan: made.append((*args, plan)),
    )
    cfg = config()
    cfg.synthetic_set = dict(size=112)
    cfg.test_dataloader.dataset.data_root = 'data/photo-112px/Multi-sources/'
    root = cfg.test_dataloader.dataset.data_root
    cfg.train_dataloader.dataset.dataset.data_root = root
    with pytest.raises(FileNotFoundError, match='make photo, or tools/'):
        check_training(cfg, 'film_lite0_ms3.py')
    assert use_synthetic(cfg) == ['data/synthetic-112px/Multi-sources/']
    assert [(str(r), *more) for r, *more in made] == [
        ('data/synthetic-112px', 'ms3', dict(size=112))
    ]


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


def test_weights_that_the_command_line_names_stay(monkeypatch, capsys):
    monkeypatch.setattr(synthetic, 'ensure_synthetic', lambda *args: None)
    cfg = config()
    options = {
        'load_from': 'mine.pth',
        'model.neck.0.init_cfg.checkpoint': 'n',
    }
    cfg.merge_from_dict(options)
    use_synthetic(cfg, options)
    assert cfg.load_from == 'mine.pth'
    assert pretrained_paths(cfg.model) == ['n']
    said = 'random weights in place of pretrained/a.pth. Those'
    assert said in capsys.readouterr().out
    cfg = config()
    use_synthetic(cfg, {'work_dir': 'w', 'load_from': None})
    assert cfg.load_from is None and pretrained_paths(cfg.model) == []
    said = 'random weights in place of pretrained/a.pth, s4.pth. Those'
    assert said in capsys.readouterr().out


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
    plan = dict(size=64, clips=dict(train=1000, val=40, test=200))
    use_synthetic(small)
    assert made.pop() == ('data/synthetic-64px', 'ms3', plan)
    # a set that is there stays as it is
    there = Path('data/synthetic-64px/Multi-sources')
    there.mkdir(parents=True)
    shutil.copy(tiny_ms3 / 'synthetic.json', there)
    use_synthetic(small)
    assert made.pop() == ('data/synthetic-64px', 'ms3', {})
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
        check_training(config(), 'configs/x.py')
    message = str(caught.value)
    for word in ('data/avsbench/Multi-sources/', 'pretrained/a.pth', 's4.pth'):
        assert message.count(word) == 1
    assert 'python tools/train.py configs/x.py --synthetic' in message
    with pytest.raises(FileNotFoundError) as caught:
        check_inputs(config(), 'configs/x.py', ['test'], 'tools/test.py')
    assert 'a.pth' not in str(caught.value)  # a test brings its checkpoint


def test_first_command_of_a_new_user(tmp_path, monkeypatch):
    """tools/train.py configs/avsac/avsac_pvt_ms3.py, without any data."""
    root, name = Path(__file__).parents[2], 'configs/avsac/avsac_pvt_ms3.py'
    avsac = Config.fromfile(root / name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        check_training(avsac, name)
    get = '           mmavs weights '
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
        ('data/synthetic-64px/Multi-sources/', 'make quickstart'),
        ('/home/me/clips', 'give its folder with --cfg-options'),
    ],
)
def test_other_data_is_not_called_avsbench(root, mend, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = config()
    for loader in (cfg.train_dataloader.dataset, cfg.test_dataloader):
        loader.dataset.data_root = root
    with pytest.raises(FileNotFoundError, match=mend) as caught:
        check_inputs(cfg, 'configs/x.py', ['test'], 'tools/test.py')
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
    # the data of the split that is looked at suffice
    options = {'test_dataloader.dataset': dict(data_root=str(tmp_path))}
    found = config_to_look_at('x.py', options)
    assert found.test_dataloader.dataset.data_root == str(tmp_path)
    with pytest.raises(FileNotFoundError, match='Multi-sources'):
        config_to_look_at('x.py', options, split='train')
    with pytest.raises(ValueError, match=r"no val_dataloader. Fix: .*'train'"):
        config_to_look_at('x.py', options, split='val')


def test_complete_inputs_pass(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data/avsbench/Multi-sources').mkdir(parents=True)
    (tmp_path / 'pretrained').mkdir()
    for name in ('pretrained/a.pth', 's4.pth'):
        (tmp_path / name).touch()
    check_training(config(), 'configs/x.py')


def test_weights_that_the_command_line_took_away_are_not_missed(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    options = {
        'model.backbone.init_cfg': None,
        'model.audio_encoder.init_cfg': None,
    }
    path = ROOT / 'configs/tpavi/tpavi_pvt_ms3.py'
    cfg = load_config(str(path), options)
    assert cfg.pvt_v2_b5.init_cfg  # what the model's was taken from
    (tmp_path / 'data/avsbench/Multi-sources').mkdir(parents=True)
    check_training(cfg, str(path))


def test_weights_say_how_they_are_obtained():
    assert 'mmavs weights pvt_v2_b5.pth (' in how_to_get('x/pvt_v2_b5.pth')
    assert 'by hand' in how_to_get('pretrained/BEATs_iter3_plus_AS2M.pt')
    assert how_to_get('own.pth') == 'put the file there'


def test_a_run_needs_its_own_splits_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = config()
    cfg.test_dataloader.dataset.data_root = str(tmp_path)
    check_inputs(cfg, 'x.py', ['test'], 'tools/test.py')
    with pytest.raises(FileNotFoundError, match='python tools/train.py x.py'):
        check_training(cfg, 'x.py')
    cfg.train_dataloader.dataset.dataset.data_root = str(tmp_path)
    cfg.test_dataloader.dataset.data_root = 'nowhere/'
    cfg.load_from, cfg.model = None, {}
    check_training(cfg, 'x.py')
    fix = 'cfg-options test_dataloader.dataset.data_root='
    with pytest.raises(FileNotFoundError, match=fix):
        check_inputs(cfg, 'x.py', ['test'], 'tools/test.py')


def test_innermost_data_sets_are_found_in_any_wrapper():
    one, two, three = (dict(type='A', n=n) for n in range(3))
    concat = dict(
        type='ConcatDataset',
        datasets=[
            dict(type='RepeatDataset', times=2, dataset=one),
            two,
            dict(type='ConcatDataset', datasets=[three]),
        ],
    )
    wrapped = dict(type='SingleFrames', dataset=concat)
    assert innermost_datasets(one) == [one]
    assert innermost_datasets(wrapped) == [one, two, three]
    assert innermost_datasets(wrapped)[1] is two


def test_parts_that_a_config_lacks_are_named():
    cfg = Config(dict(val_dataloader=dict(dataset={}), model={}))
    with pytest.raises(ValueError, match=r"Fix: take one of \['val'\]"):
        loader_of(cfg, 'test')
    with pytest.raises(ValueError, match="Fix: give it one.*'AVSMetric'"):
        evaluators_of(cfg)


def tta_config(*datasets):
    wrapped = dict(type='ConcatDataset', datasets=list(datasets))
    return Config(dict(test_dataloader=dict(dataset=wrapped), model={}))


def test_tta_adds_flips_and_sizes_with_the_plain_clip_first():
    """In every data set, from its own pipeline."""
    pack = dict(type='PackAVSInputs')

    def pipeline(side):
        resize = dict(type='Resize', scale=(side, side))
        return [dict(type='ForEachFrame', transforms=[resize]), pack]

    cfg = tta_config(
        dict(pipeline=pipeline(512)),
        dict(type='RepeatDataset', dataset=dict(pipeline=pipeline(96))),
        dict(pipeline=[pack]),
    )
    use_tta(cfg)
    parts = innermost_datasets(cfg.test_dataloader.dataset)
    for part, wanted in zip(parts, ([512, 448, 576], [96, 64, 128])):
        (aug,) = part.pipeline
        sizes, flips, last = aug['transforms']
        assert last == [pack]
        sides = [t['transforms'][0]['scale'][0] for t in sizes]
        assert sides == wanted
        assert [t['transforms'][0]['prob'] for t in flips] == [0.0, 1.0]
    (aug,) = parts[2].pipeline
    assert len(aug['transforms']) == 2
    assert cfg.model == dict(type='AVSTTAModel', module={})


def test_a_configs_own_tta_comes_first():
    cfg = tta_config(dict(pipeline=[]), dict(pipeline=[]))
    cfg.tta_pipeline, cfg.tta_model = ['mine'], dict(type='Mine')
    use_tta(cfg)
    parts = innermost_datasets(cfg.test_dataloader.dataset)
    assert [part.pipeline for part in parts] == [['mine'], ['mine']]
    assert cfg.model == dict(type='Mine', module={})

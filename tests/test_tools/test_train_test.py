"""The two main tools, end to end on a few synthetic clips."""

import importlib.util
import io
import json
import pickle
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.fileio.backends import local_backend
from PIL import Image

from mmavs.registry import MODELS
from mmavs.testing import tiny_copy

ROOT = Path(__file__).resolve().parents[2]


def call(tool, *arguments, monkeypatch):
    """Run ``tools/<tool>.py`` in this process."""
    spec = importlib.util.spec_from_file_location(
        f'tool_{tool}', ROOT / 'tools' / f'{tool}.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    words = [f'{tool}.py', *(str(a) for a in arguments)]
    monkeypatch.setattr(sys, 'argv', words)
    monkeypatch.chdir(ROOT)
    return module.main()


@pytest.fixture(scope='module')
def config_file(tiny_ms3, tmp_path_factory):
    config = Config.fromfile(ROOT / 'configs/synthetic/film_tiny_ms3.py')
    for name in ('train', 'val', 'test'):
        loader = config[f'{name}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
        loader.dataset.data_root = f'{tiny_ms3}/'
        loader.dataset.pipeline[1].cache_dir = None
    config.train_cfg.update(max_epochs=2, val_interval=1)
    config.param_scheduler = []
    config.default_hooks.logger.interval = 1
    path = tmp_path_factory.mktemp('tools') / 'film.py'
    config.dump(path)
    return path


@pytest.fixture(scope='module')
def trained(config_file, tmp_path_factory):
    """A work dir after one of two epochs, then resumed to the second."""
    work_dir = tmp_path_factory.mktemp('trained')
    with pytest.MonkeyPatch.context() as monkeypatch:
        common = ('--work-dir', work_dir)
        call(
            'train',
            config_file,
            *common,
            '--cfg-options',
            'train_cfg.max_epochs=1',
            monkeypatch=monkeypatch,
        )
        call(
            'train', config_file, *common, '--resume', monkeypatch=monkeypatch
        )
    return work_dir


def log_rows(work_dir, key):
    rows = []
    for path in sorted(work_dir.glob('*/vis_data/*.json')):
        if path.name.startswith('config'):
            continue
        lines = [json.loads(x) for x in path.read_text().splitlines()]
        rows += [line for line in lines if key in line]
    return rows


def test_training_validates_keeps_the_best_and_resumes(trained):
    best = list(trained.glob('best_mIoU_epoch_*.pth'))
    assert len(best) == 1
    last = torch.load(trained / 'epoch_2.pth', weights_only=True)
    assert last['meta']['epoch'] == 2 and last['meta']['iter'] == 4
    # the optimizer went on: two steps an epoch, in both runs
    assert next(iter(last['optimizer']['state'].values()))['step'] == 4
    epochs = {row['epoch'] for row in log_rows(trained, 'loss')}
    assert epochs == {1, 2}


@pytest.mark.parametrize('name, save', [('epoch_2', 1), ('epoch_1', 2)])
def test_a_run_killed_while_it_saves_can_go_on(
    config_file, tmp_path, monkeypatch, name, save
):
    """An epoch is saved twice if it is the best so far."""
    saves = []

    class Dying(io.FileIO):
        def write(self, data):
            super().write(data[: len(data) // 2])
            raise KeyboardInterrupt

    def dying_open(path, mode, **options):
        written = Path(path).name
        if 'w' in mode and name in written and 'best' not in written:
            saves.append(written)
            if len(saves) == save:
                return Dying(path, 'w')
        return open(path, mode, **options)

    monkeypatch.setattr(local_backend, 'open', dying_open, raising=False)
    words = 'train', config_file, '--work-dir', tmp_path
    with pytest.raises(KeyboardInterrupt):
        call(*words, monkeypatch=monkeypatch)
    monkeypatch.delattr(local_backend, 'open')
    noted = Path((tmp_path / 'last_checkpoint').read_text())
    whole = torch.load(noted, weights_only=True)
    assert noted.name == 'epoch_1.pth' and whole['meta']['epoch'] == 1
    call(*words, '--resume', monkeypatch=monkeypatch)
    last = torch.load(tmp_path / 'epoch_2.pth', weights_only=True)
    assert last['meta']['iter'] == 4


def prepared(*words, monkeypatch):
    """The config with which tools/train.py would train."""
    spec = importlib.util.spec_from_file_location(
        'tool', ROOT / 'tools/train.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, 'argv', ['train.py', *map(str, words)])
    return module.prepare_config(module.parse_args())


def test_resume_without_a_checkpoint_starts_as_the_config_says(
    trained, config_file, tmp_path, monkeypatch, capsys
):
    start = trained / 'epoch_2.pth'
    words = config_file, '--work-dir', tmp_path, '--resume'
    options = '--cfg-options', f'load_from={start}'
    config = prepared(*words, *options, monkeypatch=monkeypatch)
    assert (config.resume, config.load_from) == (False, str(start))
    assert f'no checkpoint in {tmp_path}' in capsys.readouterr().out
    # with one to go on from, the start is no matter
    config = prepared(
        config_file, '--work-dir', trained, '--resume',
        '--cfg-options', 'load_from=none.pth', monkeypatch=monkeypatch,
    )  # fmt: skip
    assert (config.resume, config.load_from) == (True, str(start))
    with pytest.raises(FileNotFoundError, match='not found: none.pth. Fix'):
        prepared(*words, 'none.pth', monkeypatch=monkeypatch)


def test_synthetic_keeps_a_start_that_is_given(
    trained, config_file, tmp_path, monkeypatch
):
    start = trained / 'epoch_2.pth'
    words = config_file, '--work-dir', tmp_path, '--synthetic'
    options = '--cfg-options', f'load_from={start}'
    config = prepared(*words, *options, monkeypatch=monkeypatch)
    assert config.load_from == str(start)


def test_a_broken_checkpoint_names_the_one_to_go_on_from(
    trained, config_file, tmp_path, monkeypatch
):
    for epoch in (9, 10, 11):
        shutil.copy(trained / 'epoch_1.pth', tmp_path / f'epoch_{epoch}.pth')
    for epoch in (10, 11):  # half of the file, as a killed process leaves it
        path = tmp_path / f'epoch_{epoch}.pth'
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (tmp_path / 'last_checkpoint').write_text(str(path))
    words = 'train', config_file, '--work-dir', tmp_path, '--resume'
    message = (
        'epoch_11.pth is not .* Fix: go on from .* --resume .*epoch_9.pth'
    )
    with pytest.raises(RuntimeError, match=message):
        call(*words, monkeypatch=monkeypatch)
    (tmp_path / 'epoch_9.pth').unlink()
    message = 'epoch_11.pth is not .* Fix: no other .* remove epoch_11.pth and'
    with pytest.raises(RuntimeError, match=message):
        call(*words, monkeypatch=monkeypatch)


def test_what_cannot_be_resumed_is_said_before_it_is_tried(
    trained, config_file, tmp_path, monkeypatch
):
    whole = torch.load(trained / 'epoch_2.pth', weights_only=True)
    path = tmp_path / 'other.pth'

    def resume():
        words = 'train', config_file, '--work-dir', tmp_path, '--resume', path
        call(*words, monkeypatch=monkeypatch)

    torch.save(dict(state_dict=whole['state_dict']), path)
    with pytest.raises(RuntimeError, match='no meta, .*load_from=.*other.pth'):
        resume()
    del whole['state_dict']['decode_head.conv_seg.weight']
    torch.save(whole, path)
    with pytest.raises(RuntimeError, match='other.pth is of another model: 1'):
        resume()


@pytest.fixture(scope='module')
def tested(trained, config_file, tmp_path_factory):
    out = tmp_path_factory.mktemp('tested')
    with pytest.MonkeyPatch.context() as monkeypatch:
        call(
            'test',
            config_file,
            trained / 'epoch_2.pth',
            '--work-dir',
            out / 'work',
            '--out',
            out / 'masks',
            '--dump',
            out / 'dump.pkl',
            '--show-dir',
            out / 'pictures',
            monkeypatch=monkeypatch,
        )
    return out


def test_out_writes_masks_named_as_the_ground_truth(tested, tiny_ms3):
    truth = sorted((tiny_ms3 / 'ms3_data/gt_masks/test').glob('*/*.png'))
    written = sorted((tested / 'masks').rglob('*.png'))
    assert [p.name for p in written] == [p.name for p in truth]
    values = set(
        np.unique(np.stack([np.array(Image.open(p)) for p in written]))
    )
    assert values <= {0, 255}


def test_show_dir_puts_the_worst_first(tested):
    names = sorted(p.name for p in (tested / 'pictures').glob('*.png'))
    assert len(names) == 3
    scores = [float(name.split('_J')[1].split('_')[0]) for name in names]
    assert scores == sorted(scores)
    assert all(name.endswith('_frames0-4.png') for name in names)


def test_dump_holds_every_clip(tested):
    with open(tested / 'dump.pkl', 'rb') as file:
        clips = pickle.load(file)
    assert len(clips) == 3
    assert clips[0]['pred_sem_seg']['data'].shape == (5, 1, 64, 64)


def test_metrics_file_holds_percent(tested):
    (path,) = (tested / 'work').glob('*/*.json')
    metrics = json.loads(path.read_text())
    assert 0 <= metrics['mIoU'] <= 100 and 'mFscore' in metrics


def test_missing_data_and_weights_are_named_with_the_way_out(monkeypatch):
    config = 'configs/synthetic/film_tiny_ms3.py'
    options = (
        '--cfg-options',
        'train_dataloader.dataset.data_root=data/avsbench/nowhere/',
        'model.backbone.init_cfg.type=Pretrained',
        'model.backbone.init_cfg.checkpoint=pretrained/pvt_v2_b5.pth.none',
    )
    with pytest.raises(FileNotFoundError) as caught:
        call('train', config, *options, monkeypatch=monkeypatch)
    message = str(caught.value)
    assert 'data/avsbench/nowhere/' in message
    assert 'pretrained/pvt_v2_b5.pth.none' in message
    assert f'python tools/train.py {config} --synthetic' in message


def test_wrong_config_name_is_answered_with_near_ones(monkeypatch):
    with pytest.raises(FileNotFoundError, match='film_tiny_ms3.py'):
        call(
            'train',
            'configs/synthetic/film_tiny_ms.py',
            monkeypatch=monkeypatch,
        )


def test_checkpoint_of_another_model_is_refused(
    config_file, tmp_path, monkeypatch
):
    path = tmp_path / 'other.pth'
    torch.save(dict(state_dict={'a': torch.ones(1)}), path)
    with pytest.raises(RuntimeError, match='other.pth is of another model'):
        call(
            'test',
            config_file,
            path,
            '--work-dir',
            tmp_path,
            monkeypatch=monkeypatch,
        )


def test_tta_tool_runs_and_scores(config_file, trained, tmp_path, monkeypatch):
    """A flipped clip is not the clip itself: the figures move a little."""
    figures = {}
    for name, flags in (('plain', ()), ('tta', ('--tta',))):
        call(
            'test',
            config_file,
            trained / 'epoch_2.pth',
            '--work-dir',
            tmp_path / name,
            *flags,
            monkeypatch=monkeypatch,
        )
        (path,) = (tmp_path / name).glob('*/*.json')
        figures[name] = json.loads(path.read_text())['mFscore']
    assert 0 < abs(figures['tta'] - figures['plain']) < 20


def test_mixed_precision_without_a_gpu_is_one_clear_error(
    config_file, tmp_path, monkeypatch
):
    monkeypatch.setattr('mmavs.engine.run_config.get_device', lambda: 'cpu')
    words = ('train', config_file, '--work-dir', tmp_path)
    for options in (
        ['--amp'],
        ['--amp', 'bfloat16'],
        ['--cfg-options', 'optim_wrapper.type=mmengine.AmpOptimWrapper'],
    ):
        with pytest.raises(ValueError, match='needs a GPU.*leave --amp out'):
            call(*words, *options, monkeypatch=monkeypatch)


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_more_classes_than_the_data_has_are_refused(
    tool, config_file, tmp_path, monkeypatch
):
    words = [tool, config_file, '--work-dir', tmp_path, '--cfg-options']
    head = 'model.decode_head'
    options = {f'{head}.num_classes': 3, f'{head}.prior_prob': None}
    if tool == 'test':
        config = Config.fromfile(config_file)
        config.merge_from_dict(options)
        weights = MODELS.build(config.model).state_dict()
        torch.save(dict(state_dict=weights), tmp_path / 'three.pth')
        words.insert(2, tmp_path / 'three.pth')
    message = (
        f'num_classes=3, but the {tool} data set has 2 classes: '
        'background, sounding. Fix: model.decode_head.num_classes=2'
    )
    with pytest.raises(ValueError, match=message):
        options = [f'{name}={value}' for name, value in options.items()]
        call(*words, *options, monkeypatch=monkeypatch)


def test_one_unlabelled_test_clip_is_named(
    config_file, trained, tiny_ms3, tmp_path, monkeypatch
):
    """The others are scored; a set without any mask is refused at once."""
    root, lines = lay_out(tiny_ms3, tmp_path, labelled=('a', 'b'))

    def test(out, *options):
        words = ('test', config_file, trained / 'epoch_2.pth')
        words += ('--work-dir', tmp_path / out, '--cfg-options')
        dataset = 'test_dataloader.dataset'
        words += (f'{dataset}.type=AVSDataset', f'{dataset}.data_root={root}')
        words += (f'{dataset}.ann_file=clips.csv',)
        # mmengine names loggers by the second: two runs in one would share
        words += (f'experiment_name={out}',)
        call(*words, *options, monkeypatch=monkeypatch)
        (path,) = (tmp_path / out).glob('*/*.json')
        (log,) = (tmp_path / out).glob('*/*.log')
        return json.loads(path.read_text())['mIoU'], log.read_text()

    found, log = test('all')
    assert '1 of 3 clips have no ground truth and are not scored: n' in log
    (root / 'clips.csv').write_text('\n'.join(lines[:3]))
    assert test('labelled')[0] == pytest.approx(found)
    (root / 'clips.csv').write_text('\n'.join([lines[0], lines[3]]))
    with pytest.raises(ValueError, match='none of the 1 test clips has a ma'):
        test('none')
    out = f'test_evaluator.output_dir={tmp_path / "masks"}'
    options = ['test_evaluator.format_only=True', out]
    call(
        'test', config_file, trained / 'epoch_2.pth',
        *('--work-dir', tmp_path / 'only', '--cfg-options', *options),
        'test_dataloader.dataset.type=AVSDataset',
        f'test_dataloader.dataset.data_root={root}',
        'test_dataloader.dataset.ann_file=clips.csv',
        monkeypatch=monkeypatch,
    )  # fmt: skip
    assert len(list((tmp_path / 'masks' / 'n').glob('*.png'))) == 5


def lay_out(tiny_ms3, folder, labelled):
    """Make a csv of the three test clips; the last has no masks."""
    root = tiny_copy(tiny_ms3, folder)
    data = root / 'ms3_data'
    lines = ['clip_id,frames,audio,masks,split']
    for name, truth in zip('abn', sorted(data.glob('gt_masks/test/*'))):
        frames = data / 'visual_frames' / truth.name
        # masks are found by the names of the frames
        for frame, mask in zip(
            *(sorted(p.glob('*')) for p in (frames, truth))
        ):
            mask.rename(mask.with_name(f'{frame.stem}.png'))
        sound = next(data.rglob(f'{truth.name}.wav'))
        paths = [frames, sound, truth] if name in labelled else [frames, sound]
        cells = [path.relative_to(root).as_posix() for path in paths]
        cells += [''] * (3 - len(cells))
        lines.append(','.join([name, *cells, 'test']))
    (root / 'clips.csv').write_text('\n'.join(lines))
    return root, lines


def test_a_pipeline_without_masks_is_said_before_the_first_clip(
    config_file, trained, tmp_path, monkeypatch
):
    field = 'test_dataloader.dataset.pipeline.2.transforms.2.type'
    with pytest.raises(ValueError, match='pipeline loads no masks.*LoadFrame'):
        call(
            *('test', config_file, trained / 'epoch_2.pth'),
            *('--work-dir', tmp_path, '--cfg-options'),
            *(f'{field}=RandomFlip', f'{field[:-4]}prob=0.0'),
            monkeypatch=monkeypatch,
        )


def test_clips_of_one_name_do_not_overwrite_one_another(
    config_file, trained, tiny_ms3, tmp_path, monkeypatch
):
    """Two data sets with the same names: scored apart, not written."""
    config = Config.fromfile(config_file)
    first = config.test_dataloader.dataset
    second = dict(first, data_root=f'{tiny_copy(tiny_ms3, tmp_path)}/')
    parts = [first, second]
    config.test_dataloader.dataset = dict(type='ConcatDataset', datasets=parts)
    config.dump(tmp_path / 'two.py')
    words = ('test', tmp_path / 'two.py', trained / 'epoch_2.pth')
    words += ('--work-dir', tmp_path / 'work')
    call(*words, monkeypatch=monkeypatch)
    (log,) = (tmp_path / 'work').glob('*/*.log')
    assert re.search(r'\| +6 +\| +all ', log.read_text())
    for option in ('--out', '--show-dir'):
        with pytest.raises(ValueError, match="called 'ms3_test_00000'"):
            call(*words, option, tmp_path / 'out', monkeypatch=monkeypatch)

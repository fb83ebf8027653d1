"""Best checkpoints: chosen by a metric that exists, and never lost."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.runner import Runner

from mmavs.engine.hooks import CheckpointHook
from mmavs.engine.run_config import load_config
from mmavs.evaluation import AVSMetric, AVSSMetric
from mmavs.registry import HOOKS


class FakeRunner(SimpleNamespace):
    """What the hook asks of a Runner, after an epoch."""

    epoch = iter = 1
    seen = ()

    def save_checkpoint(self, out_dir, filename, *args, **kwargs):
        self.seen += (sorted(p.name for p in Path(out_dir).glob('best_*')),)
        Path(out_dir, filename).write_text('weights')


def make_runner(work_dir, *metrics, name='hook') -> FakeRunner:
    return FakeRunner(
        work_dir=str(work_dir),
        message_hub=MessageHub(f'{name}_{work_dir.name}'),
        logger=MMLogger.get_instance('hook'),
        val_loop=SimpleNamespace(evaluator=SimpleNamespace(metrics=metrics)),
    )


def start(runner, **options) -> CheckpointHook:
    hook = CheckpointHook(rule='greater', **options)
    hook.before_train(runner)
    hook.last_ckpt = None
    return hook


def test_configs_get_this_hook():
    assert type(HOOKS.build(dict(type='CheckpointHook'))) is CheckpointHook


@pytest.mark.parametrize(
    'metric, name, names',
    [
        (AVSMetric(), 'mIou', 'mIoU, mFscore'),
        (
            AVSMetric(protocol='dataset'),
            'RA',
            'mIoU, mFscore, mPrecision, mRecall',
        ),
        (AVSMetric(prefix='a'), 'mIoU', 'a/mIoU, a/mFscore'),
        (AVSSMetric(), 'mIoU+F', r'mIoU, mFscore, mIoU\+mFscore'),
    ],
)
def test_a_typo_is_refused_before_training(tmp_path, metric, name, names):
    runner = make_runner(tmp_path, metric)
    with pytest.raises(ValueError, match=f'of the config give {names}. Fix'):
        start(runner, save_best=name)


@pytest.mark.parametrize(
    'metric, name',
    [
        (AVSMetric(), 'mIoU'),
        (AVSMetric(), 'mIoU_switching'),
        (AVSMetric(), 'auto'),
        (AVSMetric(prefix='a'), 'a/mIoU'),
        (AVSSMetric(), ['mIoU', 'mIoU+mFscore']),
        (object(), 'IoU'),
    ],
)
def test_what_the_metrics_give_is_taken(tmp_path, metric, name):
    start(make_runner(tmp_path, metric), save_best=name)


@pytest.mark.parametrize('metric', [object(), AVSMetric()])
def test_what_could_not_be_known_before_is_named_after(tmp_path, metric):
    runner = make_runner(tmp_path, metric)
    hook = start(runner, save_best='mIoU_swiching')
    figures = dict(mIoU=1.0, mIoU_switching=2.0)
    message = "save_best='mIoU_swiching'.* give mIoU, mIoU_switching. Fix"
    with pytest.raises(ValueError, match=message):
        hook.after_val_epoch(runner, figures)


def test_the_old_best_goes_after_the_new_one_is_written(tmp_path):
    runner = make_runner(tmp_path, AVSMetric())
    hook = start(runner, save_best='mIoU')
    for runner.epoch, score in ((1, 50.0), (2, 40.0), (3, 60.0)):
        hook.after_val_epoch(runner, dict(mIoU=score))
    # beside the new one, when it was about to be written
    assert runner.seen == ([], ['best_mIoU_epoch_1.pth'])
    left = [path.name for path in tmp_path.glob('best_*')]
    assert left == ['best_mIoU_epoch_3.pth']
    assert runner.message_hub.get_info('best_ckpt') == hook.best_ckpt_path
    assert hook.best_ckpt_path == str(tmp_path / left[0])


def test_several_bests_are_kept_apart(tmp_path):
    runner = make_runner(tmp_path, AVSMetric())
    hook = start(runner, save_best=['mIoU', 'mFscore'])
    for runner.epoch, j, f in ((1, 50.0, 60.0), (2, 55.0, 50.0)):
        hook.after_val_epoch(runner, dict(mIoU=j, mFscore=f))
    left = sorted(path.name for path in tmp_path.glob('best_*'))
    assert left == ['best_mFscore_epoch_1.pth', 'best_mIoU_epoch_2.pth']


def test_remains_of_a_killed_save_are_removed(tmp_path):
    dead = '.99999999_part_'  # more than a process is numbered
    for name in (f'{dead}epoch_2.pth', f'{dead}last_checkpoint', 'mine'):
        (tmp_path / name).write_text('half')
    start(make_runner(tmp_path, AVSMetric()), save_best='mIoU')
    assert [path.name for path in tmp_path.iterdir()] == ['mine']


def test_a_validation_alone_gives_its_figures(tiny_ms3, tmp_path):
    config = load_config('configs/synthetic/film_tiny_ms3.py')
    for name in ('train', 'val', 'test'):
        loader = config[f'{name}_dataloader']
        loader.num_workers = 0
        loader.dataset.data_root = f'{tiny_ms3}/'
        loader.dataset.pipeline[1].cache_dir = None
    config.work_dir, config.launcher = str(tmp_path), 'none'
    figures = Runner.from_cfg(config).val()
    assert 0 < figures['mIoU'] < 100
    assert not list(tmp_path.rglob('*.pth'))


def test_a_file_goes_on_after_the_epoch_of_its_name(tmp_path):
    """Whatever the runner notes; FlexibleRunner does when it saves again."""
    runner = make_runner(tmp_path, name='names')
    hook = start(runner)
    saved = []

    def save_checkpoint(folder, name, *args, **kwargs):
        checkpoint = dict(meta=dict(epoch=8, iter=30))
        hook.before_save_checkpoint(runner, checkpoint)
        saved.append((name, checkpoint['meta']))

    runner.save_checkpoint = save_checkpoint
    hook._save_checkpoint_with_step(runner, 7, meta=None)
    assert saved == [('epoch_7.pth', dict(epoch=7, iter=30))]
    save_checkpoint(None, 'of another hook')
    assert saved[1][1]['epoch'] == 8

"""The touches on mmengine's Runner: whole files, loaders without workers."""

import builtins
import os
from pathlib import Path

import mmengine
import pytest
import torch
from mmengine.fileio import LocalBackend
from mmengine.fileio.backends import local_backend
from mmengine.hooks import checkpoint_hook
from mmengine.runner import Runner, find_latest_checkpoint, save_checkpoint
from torch.utils.data import TensorDataset

from mmavs.compat import load_checkpoint


class Dying:
    """A file whose process is killed when half of it is written."""

    def __init__(self, path, mode, **options):
        self.file = builtins.open(path, mode, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def write(self, content):
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        os._exit(9)


def in_a_killed_process(work) -> None:
    child = os.fork()
    if not child:
        local_backend.open = Dying
        try:
            work()
        finally:
            os._exit(1)  # it was to be killed before
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_checkpoint_is_whole_whenever_the_process_is_killed(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    save_checkpoint(dict(weight=torch.zeros(1000)), str(path))
    new = dict(weight=torch.ones(1000), best='named')
    in_a_killed_process(lambda: save_checkpoint(new, str(path)))
    assert load_checkpoint(path)['weight'].sum() == 0
    save_checkpoint(new, str(path))
    assert load_checkpoint(path)['weight'].sum() == 1000


@pytest.mark.parametrize('name', ['figures.json', 'dump.pkl'])
def test_so_are_figures_and_dumps(tmp_path, name):
    path = str(tmp_path / name)
    mmengine.dump(dict(mIoU=1.0), path)
    in_a_killed_process(lambda: mmengine.dump(dict(mIoU=2.0), path))
    assert mmengine.load(path) == dict(mIoU=1.0)


def test_so_is_last_checkpoint(tmp_path):
    path = tmp_path / 'last_checkpoint'
    path.write_text('epoch_1.pth')
    with pytest.raises(KeyboardInterrupt):
        with checkpoint_hook.open(str(path), 'w') as file:
            file.write('epo')
            raise KeyboardInterrupt
    assert find_latest_checkpoint(str(tmp_path)) == 'epoch_1.pth'


def test_mmengine_alone_writes_into_the_file(tmp_path):
    """Fails once mmengine writes beside and renames: drop the touch then."""
    path = tmp_path / 'epoch_1.pth'
    path.write_bytes(b'whole')
    put = LocalBackend.put.__wrapped__
    in_a_killed_process(lambda: put(LocalBackend(), b'other', path))
    assert path.read_bytes() == b'ot'
    assert 'open(save_file' in Path(checkpoint_hook.__file__).read_text()


def loader(**options) -> dict:
    return dict(
        dataset=TensorDataset(torch.arange(4)),
        sampler=dict(type='DefaultSampler', shuffle=False),
        num_workers=0,
        collate_fn=dict(type='default_collate'),
        **options,
    )


@pytest.mark.parametrize(
    'option',
    [dict(persistent_workers=True), dict(prefetch_factor=4), dict(timeout=9)],
)
@pytest.mark.parametrize('seed', [None, 1])
def test_options_of_workers_are_dropped_where_there_are_none(option, seed):
    config = loader(**option)
    batches = list(Runner.build_dataloader(config, seed=seed))
    assert [int(batch[0]) for batch in batches] == [0, 1, 2, 3]
    del config['num_workers']  # torch's own default is none
    assert len(list(Runner.build_dataloader(config, seed=seed))) == 4


def test_options_of_workers_stay_where_there_are_some():
    config = dict(loader(persistent_workers=True), num_workers=1)
    assert Runner.build_dataloader(config).persistent_workers


def test_mmengine_alone_hands_them_on():
    """Fails once mmengine drops them itself: drop the touch then."""
    (upstream,) = [
        cell.cell_contents
        for cell in Runner.build_dataloader.__closure__
        if callable(cell.cell_contents)
    ]
    with pytest.raises(ValueError, match='persistent_workers option needs'):
        upstream(loader(persistent_workers=True))

"""The last and best checkpoint of a run, and what the run was made from."""

import json
from collections import OrderedDict

import pytest
import torch
from mmengine.config import Config

from mmavs.weights.work_dir import best_checkpoint, last_checkpoint, note_run


def save(path, **best):
    """A checkpoint that notes best ones."""
    hub = dict(runtime_info=OrderedDict(loop_stage='train', **best))
    torch.save(dict(message_hub=hub), path)
    (path.parent / 'last_checkpoint').write_text(str(path))


def test_the_last_is_the_one_that_was_noted(tmp_path):
    assert last_checkpoint(tmp_path / 'none') is None
    assert last_checkpoint(tmp_path) is None
    for epoch in (9, 10):
        (tmp_path / f'epoch_{epoch}.pth').touch()
    (tmp_path / 'best_mIoU_epoch_11.pth').touch()
    assert last_checkpoint(tmp_path) == tmp_path / 'epoch_10.pth'
    # a folder may have been moved
    (tmp_path / 'last_checkpoint').write_text('/elsewhere/epoch_9.pth')
    assert last_checkpoint(str(tmp_path)) == tmp_path / 'epoch_9.pth'
    (tmp_path / 'last_checkpoint').write_text('/elsewhere/epoch_8.pth')
    message = 'names /elsewhere/epoch_8.pth.*holds epoch_10.pth, epoch_9.pth'
    with pytest.raises(FileNotFoundError, match=message):
        last_checkpoint(tmp_path)
    (tmp_path / 'last_checkpoint').write_text('')
    with pytest.raises(FileNotFoundError, match='names nothing'):
        last_checkpoint(tmp_path)


def test_the_best_is_the_one_that_this_run_noted(tmp_path):
    """epoch_9 sorts behind epoch_10; epoch_12 is of a run that was killed."""
    with pytest.raises(FileNotFoundError, match='no checkpoint in'):
        best_checkpoint(tmp_path)
    for epoch in (9, 10, 12):
        (tmp_path / f'best_mIoU_epoch_{epoch}.pth').touch()
    best = tmp_path / 'best_mIoU_epoch_10.pth'
    save(tmp_path / 'epoch_11.pth', best_score=1.0, best_ckpt=str(best))
    assert best_checkpoint(tmp_path) == best
    save(tmp_path / 'epoch_11.pth', best_ckpt=f'/elsewhere/{best.name}')
    assert best_checkpoint(tmp_path) == best
    several = dict(best_ckpt_mIoU=str(best), best_ckpt_mFscore='f.pth')
    save(tmp_path / 'epoch_11.pth', **several)
    assert best_checkpoint(tmp_path) == best
    best.unlink()
    with pytest.raises(FileNotFoundError, match='names .*epoch_10.pth, which'):
        best_checkpoint(tmp_path)
    save(tmp_path / 'epoch_11.pth')
    with pytest.raises(
        ValueError, match='names no best checkpoint.*save_best'
    ):
        best_checkpoint(tmp_path)


def test_a_folder_is_of_one_run(tmp_path):
    def config(epochs=3, start=None):
        return Config(
            dict(
                train_cfg=dict(max_epochs=epochs),
                neck=[dict(type='A'), dict(type='B', size=(3, 3))],
                load_from=start and str(start),
            )
        )

    folder, start = tmp_path / 'new' / 'run', tmp_path / 'start.pth'
    start.write_bytes(b'one')
    note_run(folder, config())
    note_run(folder, config())
    with pytest.raises(ValueError, match='differs: train_cfg.max_epochs. Fix'):
        note_run(folder, config(4))
    other = config()
    other.neck[1].size, other.neck[1].bias = (3, 5), True
    with pytest.raises(ValueError, match='neck.1.bias, neck.1.size.1. Fix'):
        note_run(folder, other)
    with pytest.raises(ValueError, match='differs: load_from'):
        note_run(folder, config(start=start))
    # the same start under another name, and another under the same
    folder = tmp_path / 'second'
    note_run(folder, config(start=start))
    start = start.rename(tmp_path / 'moved.pth')
    note_run(folder, config(start=start))
    start.write_bytes(b'two')
    with pytest.raises(ValueError, match='differs: load_from'):
        note_run(folder, config(start=start))


def test_a_folder_of_unknown_origin_is_refused(tmp_path):
    (tmp_path / 'result.json').write_text('{"mIoU": 1.5}')
    with pytest.raises(ValueError, match='no run.json that says'):
        note_run(tmp_path, Config())
    (tmp_path / 'run.json').write_text(json.dumps({'a': 1})[:4])
    with pytest.raises(ValueError, match='run.json is damaged.*Fix: remove'):
        note_run(tmp_path, Config())

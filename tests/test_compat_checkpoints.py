"""Checkpoints are read without running code."""

import os
import pickle

import numpy as np
import pytest
import torch
from fresh_python import run_python
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from mmavs import compat
from mmavs.compat.checkpoints import safe_globals


def test_history_buffer_pickles_numbers_alone():
    buffer = HistoryBuffer([1.0, 3.0], [1, 1])
    assert b'getattr' not in pickle.dumps(buffer, 2)
    again = pickle.loads(pickle.dumps(buffer))
    assert again.mean() == 2.0 and again.statistics('max') == 3.0


def test_upstream_still_pickles_its_methods():
    """Fails once mmengine leaves its table of methods out by itself."""
    result = run_python(
        'import pickle; from mmengine.logging import HistoryBuffer;'
        'print(b"getattr" in pickle.dumps(HistoryBuffer([1.], [1]), 2))'
    )
    assert result.stdout.strip() == 'True'


def test_upstream_still_loads_without_weights_only():
    """Fails once mmengine reads its own checkpoints safely."""
    import inspect

    import mmengine.runner.checkpoint as upstream

    assert 'weights_only' not in inspect.getsource(upstream.load_from_local)


def test_own_checkpoint_round_trip(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(
        dict(
            state_dict={'w': torch.ones(2)},
            message_hub=dict(log_scalars={'loss': HistoryBuffer([2.0], [1])}),
            meta=dict(seed=np.int64(3), array=np.arange(3.0)),
        ),
        path,
    )
    loaded = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    assert loaded['message_hub']['log_scalars']['loss'].current() == 2.0
    assert loaded['meta']['seed'] == 3
    assert loaded['meta']['array'].tolist() == [0.0, 1.0, 2.0]


def test_foreign_mmengine_checkpoint(tmp_path):
    """A file written by mmengine alone, methods and all, is readable."""
    path = tmp_path / 'foreign.pth'
    code = (
        'import torch; from mmengine.logging import HistoryBuffer;'
        f'torch.save(dict(h=HistoryBuffer([4.], [1])), {str(path)!r})'
    )
    assert run_python(code).returncode == 0
    assert compat.load_checkpoint(path)['h'].current() == 4.0


class _Attack:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    'attack',
    [
        _Attack(eval, '1 + 1'),
        _Attack(getattr, HistoryBuffer, '__init__'),
        _Attack(getattr, torch.nn.Module, 'forward'),
    ],
)
def test_checkpoints_cannot_run_code(tmp_path, attack):
    path = tmp_path / 'bad.pth'
    torch.save(dict(state_dict={}, payload=attack), path)
    with pytest.raises(
        RuntimeError,
        match=r'bad.pth is not a checkpoint that can be read safely \(refused',
    ):
        CheckpointLoader.load_checkpoint(str(path), 'cpu')


def test_a_refusal_names_the_cause_and_no_way_around(tmp_path):
    path = tmp_path / 'bad.pth'
    torch.save(dict(state_dict={}, payload=os.system), path)
    with pytest.raises(RuntimeError, match=r'asks for \w+\.system') as asked:
        compat.load_checkpoint(path)
    path.write_text('no checkpoint')
    with pytest.raises(RuntimeError, match='not written by torch') as strange:
        compat.load_checkpoint(path)
    for caught in (asked, strange):
        assert 'weights_only' not in str(caught.value)


def test_upstream_still_runs_the_text_of_a_checkpoint():
    """Fails once mmengine's runner no longer executes ``meta['config']``."""
    import inspect

    from mmengine.runner import Runner

    assert "['config'], file_format='.py'" in inspect.getsource(Runner.resume)


def test_text_that_mmengine_would_run_does_not_reach_it(tmp_path):
    path = tmp_path / 'a.pth'
    meta = dict(epoch=3, config='1 / 0', cfg='x = 1')
    torch.save(dict(state_dict={}, meta=meta), path)
    loaded = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    assert loaded['meta'] == dict(epoch=3, cfg='x = 1')


def test_only_latin1_is_encoded_for_older_torch():
    (encode,) = (
        found
        for found in safe_globals()
        if getattr(found, '__module__', '') == '_codecs'
    )
    assert encode.__name__ == 'encode'  # what the file asks for
    assert encode('\xe9\x00', 'latin1') == b'\xe9\x00'
    with pytest.raises(ValueError, match="encoding 'rot13'"):
        encode('a', 'rot13')


def test_downloads_cannot_run_code_either(tmp_path, monkeypatch):
    """Served from this machine; mmengine's own loader would unpickle it."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    (tmp_path / 'web').mkdir()
    for name, payload in (('good', 1), ('bad', _Attack(eval, '1 + 1'))):
        torch.save(dict(payload=payload), tmp_path / 'web' / f'{name}.pth')
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / 'web')
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f'http://127.0.0.1:{server.server_address[1]}'
        load = CheckpointLoader.load_checkpoint
        assert load(f'{address}/good.pth', 'cpu') == dict(payload=1)
        with pytest.raises(RuntimeError, match='bad.pth is not a checkpoint'):
            load(f'{address}/bad.pth', 'cpu')
        server.shutdown()


def test_truncated_and_missing_checkpoints_are_named(tmp_path):
    path = tmp_path / 'cut.pth'
    torch.save(dict(state_dict={'w': torch.ones(1000)}), path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(RuntimeError, match='cut.pth'):
        compat.load_checkpoint(path)
    with pytest.raises(FileNotFoundError, match='none.pth.*Mend'):
        compat.load_checkpoint(tmp_path / 'none.pth')


def test_empty_files_and_files_of_other_things_are_named(tmp_path):
    path = tmp_path / 'empty.pth'
    path.touch()
    with pytest.raises(RuntimeError, match='empty.pth is not a checkpoint'):
        compat.load_checkpoint(path)
    path = tmp_path / 'list.pth'
    torch.save([torch.ones(2)], path)
    with pytest.raises(RuntimeError, match='list.pth holds a list.*Mend'):
        compat.load_checkpoint(path)

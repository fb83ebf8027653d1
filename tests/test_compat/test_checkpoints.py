"""Checkpoints are read without running code."""

import hashlib
import io
import math
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from fresh_python import run_python
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from mmavs import compat
from mmavs.compat.checkpoints import safe_globals
from mmavs.compat.downloads import digits_in


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
    with pytest.raises(pickle.UnpicklingError, match="encoding 'rot13'"):
        encode('a', 'rot13')


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A folder, and the address at which this machine serves it."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    folder = tmp_path / 'web'
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f'http://127.0.0.1:{server.server_address[1]}'
        server.shutdown()


def test_downloads_cannot_run_code_either(web):
    """mmengine's own loader would unpickle them."""
    folder, address = web
    for name, payload in (('good', 1), ('bad', _Attack(eval, '1 + 1'))):
        torch.save(dict(payload=payload), folder / f'{name}.pth')
    load = CheckpointLoader.load_checkpoint
    assert load(f'{address}/good.pth', 'cpu') == dict(payload=1)
    with pytest.raises(RuntimeError, match='bad.pth is not a checkpoint') as e:
        load(f'{address}/bad.pth', 'cpu')
    assert f'downloaded from {address}/bad.pth' in str(e.value)
    with pytest.raises(RuntimeError, match='none.pth cannot be downloaded'):
        load(f'{address}/none.pth', 'cpu')


def test_another_address_is_another_file(web):
    folder, address = web
    for name in 'ab':
        (folder / name).mkdir()
        torch.save(dict(name=name), folder / name / 'x.pth')
    load = CheckpointLoader.load_checkpoint
    assert load(f'{address}/a/x.pth', 'cpu') == dict(name='a')
    assert load(f'{address}/b/x.pth', 'cpu') == dict(name='b')
    assert load(f'{address}/b/x.pth?version=2', 'cpu') == dict(name='b')
    (folder / 'a' / 'x.pth').unlink()  # kept here since the first time
    assert load(f'{address}/a/x.pth', 'cpu') == dict(name='a')


def test_digits_in_a_name_are_compared(web):
    folder, address = web
    path = folder / 'x.pth'
    torch.save(dict(name='x'), path)
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    right = path.rename(folder / f'x-{digits}.pth')
    load = CheckpointLoader.load_checkpoint
    assert load(f'{address}/{right.name}', 'cpu') == dict(name='x')
    # of that name here, but another file
    kept = next((folder.parent / 'hub').rglob(right.name))
    torch.save(dict(name='y'), kept)
    with pytest.raises(RuntimeError, match=f'{kept} is not the file.*Fix'):
        load(f'{address}/{right.name}', 'cpu')
    wrong = 'x-0badc0de.pth'
    right.rename(folder / wrong)
    with pytest.raises(RuntimeError, match=f'{wrong} is not the file that'):
        load(f'{address}/{wrong}', 'cpu')
    assert not list((folder.parent / 'hub').rglob(wrong))


@pytest.mark.parametrize(
    'name, digits',
    [
        ('resnet50-19c8e357.pth', '19c8e357'),
        ('coco_20220329_230021-05ec7315.pth', '05ec7315'),
        ('vggish-10086976.pth', '10086976'),
        ('best_mIoU_epoch_20.pth', None),
        ('film-20260131.pth', None),  # a date
        ('film-20260131a.pth', '20260131a'),
        ('tpavi-deadbee.pth', None),  # seven
        ('x-19c8e357', None),
    ],
)
def test_digits_are_found_as_torch_hub_writes_them(name, digits):
    assert digits_in(name) == digits


def test_truncated_and_missing_checkpoints_are_named(tmp_path):
    path = tmp_path / 'cut.pth'
    torch.save(dict(state_dict={'w': torch.ones(1000)}), path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(RuntimeError, match='cut.pth'):
        compat.load_checkpoint(path)
    with pytest.raises(FileNotFoundError, match='none.pth.*Fix'):
        compat.load_checkpoint(tmp_path / 'none.pth')


def test_empty_files_and_files_of_other_things_are_named(tmp_path):
    path = tmp_path / 'empty.pth'
    path.touch()
    with pytest.raises(RuntimeError, match='empty.pth is not a checkpoint'):
        compat.load_checkpoint(path)
    path = tmp_path / 'list.pth'
    torch.save([torch.ones(2)], path)
    with pytest.raises(RuntimeError, match='list.pth holds a list.*Fix'):
        compat.load_checkpoint(path)


@pytest.mark.parametrize(
    'held, words',
    [
        (dict(state_dict=None), 'a NoneType in place of state_dict'),
        (dict(state_dict=[torch.ones(1)]), 'a list in place of state_dict'),
        (dict(state_dict={3: torch.ones(1)}), 'the key 3 of state_dict'),
        (dict(state_dict={'w': [1.0]}), 'a list as w of state_dict'),
        (
            dict(state_dict={'w': torch.eye(2).to_sparse()}),
            'a sparse tensor as w of state_dict',
        ),
        (dict(model='x'), 'a str in place of model'),
        ({3: torch.ones(1)}, 'the key 3, and'),
    ],
)
def test_weights_are_tensors_by_name(tmp_path, held, words):
    path = tmp_path / 'x.pth'
    torch.save(held, path)
    for load in (compat.load_checkpoint, CheckpointLoader.load_checkpoint):
        with pytest.raises(RuntimeError, match=f'x.pth: {words}.*Fix'):
            load(str(path))


@pytest.mark.parametrize(
    'value, dtype',
    [
        (math.nan, torch.float32),
        (math.inf, torch.float16),
        (-math.inf, torch.bfloat16),
        (math.nan, torch.float8_e4m3fn),
    ],
)
def test_weights_are_finite(tmp_path, value, dtype):
    path = tmp_path / 'x.pth'
    spoilt = torch.tensor([1.0, value]).to(dtype)
    weights = {'good': torch.ones(2), 'head.bad': spoilt}
    torch.save(dict(state_dict=weights), path)
    with pytest.raises(RuntimeError, match='1 of 2 tensors, head.bad. Fix'):
        compat.load_checkpoint(path)


def test_a_mask_of_attention_may_be_infinite(tmp_path):
    mask = torch.full((3, 3), -math.inf).triu(1)
    torch.save(dict(state_dict={'mask': mask}), tmp_path / 'x.pth')
    loaded = compat.load_checkpoint(tmp_path / 'x.pth')
    assert torch.equal(loaded['state_dict']['mask'], mask)


def test_flipped_bits_are_found(tmp_path):
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict={'w': torch.arange(100.0)}), path)
    data = bytearray(path.read_bytes())
    place = data.index(torch.arange(100.0).numpy().tobytes())
    data[place + 200] ^= 1
    path.write_bytes(data)
    assert torch.load(path, weights_only=True)  # upstream takes it
    with pytest.raises(RuntimeError, match='bits changed in x/data/0'):
        compat.load_checkpoint(path)


def test_packed_and_tar_archives_are_refused(tmp_path):
    path = tmp_path / 'x.pth'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('x/data.pkl', bytes(10**6))
    with pytest.raises(RuntimeError, match='x.pth .*holds packed data'):
        compat.load_checkpoint(path)
    with tarfile.open(path, 'w') as archive:
        archive.addfile(tarfile.TarInfo('pickle'), io.BytesIO())
    with pytest.raises(RuntimeError, match='x.pth .*it is a tar archive'):
        compat.load_checkpoint(path)


def test_clouds_whose_loaders_run_code_are_refused():
    for name in ('pavi://x.pth', 's3://x.pth', 'a:petrel://x.pth'):
        with pytest.raises(RuntimeError, match='cannot be read safely'):
            CheckpointLoader.load_checkpoint(name)

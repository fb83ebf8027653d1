import errno

import numpy as np
import pytest
import torch

from mmavs.audio import cache as module
from mmavs.audio.cache import TensorCache, content_key
from mmavs.warn_once import WarnOnce


def test_keys_tell_content_and_parameters_apart():
    keys = {
        content_key(b'one'),
        content_key(b'two'),
        content_key(b'one', hop=1),
        content_key(b'one', hop=2),
    }
    assert len(keys) == 4
    assert content_key(b'one', a=1, b=2) == content_key(b'one', b=2, a=1)


def test_the_second_time_nothing_is_computed(tmp_path):
    cache, value = TensorCache(tmp_path, (None, 3)), torch.randn(5, 3)
    assert torch.equal(cache.get('abc', lambda: value), value)

    def never():
        raise AssertionError('computed again')

    again = TensorCache(tmp_path, (None, 3)).get('abc', never)
    assert torch.equal(again, value)
    assert [p.name for p in tmp_path.rglob('*.*')] == ['abc.npy']


def test_a_damaged_file_is_made_anew_with_a_warning(tmp_path):
    cache, value = TensorCache(tmp_path, (50,)), torch.randn(50)
    cache.get('abc', lambda: value)
    path = cache.path('abc')
    path.write_bytes(path.read_bytes()[:150])
    with pytest.warns(UserWarning, match='abc.npy is damaged'):
        assert torch.equal(cache.get('abc', lambda: value), value)
    np.testing.assert_array_equal(np.load(path), value.numpy())


@pytest.mark.filterwarnings('ignore:.*is damaged')
def test_no_flipped_bit_changes_a_value(tmp_path):
    cache, value = TensorCache(tmp_path, (None, 2)), torch.randn(4, 2)
    cache.get('abc', lambda: value)
    path = cache.path('abc')
    whole = path.read_bytes()
    for place in range(8 * len(whole)):
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        path.write_bytes(data)
        assert torch.equal(cache.get('abc', lambda: value), value), place


@pytest.mark.parametrize(
    'other, reason',
    [
        (torch.full((5, 3), float('nan')), 'NaN or infinite'),
        (torch.full((5, 3), float('inf')), 'NaN or infinite'),
        (torch.zeros(5, 4), r'\(5, 4\) torch.float32, not \(None, 3\)'),
        (torch.zeros(5, 3, 1), r'\(5, 3, 1\) torch.float32, not'),
        (torch.zeros(5, 3).double(), 'float64, not .* torch.float32'),
    ],
)
def test_a_whole_file_of_another_kind_is_made_anew(tmp_path, other, reason):
    TensorCache(tmp_path, other.shape, other.dtype).get('abc', lambda: other)
    cache, value = TensorCache(tmp_path, (None, 3)), torch.randn(5, 3)
    with pytest.warns(UserWarning, match=f'abc.npy is damaged.*{reason}'):
        assert torch.equal(cache.get('abc', lambda: value), value)


def test_a_failed_computation_leaves_nothing(tmp_path):
    def fail():
        raise RuntimeError('no')

    with pytest.raises(RuntimeError):
        TensorCache(tmp_path, (1,)).get('abc', fail)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def said(monkeypatch, warned):
    monkeypatch.setattr(module, '_warn_unwritable', WarnOnce())
    return warned


def test_on_a_full_disk_the_work_goes_on(tmp_path, monkeypatch, said):
    def full(file, *_, **__):
        file.write(b'a few bytes')
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(np, 'save', full)
    cache, value = TensorCache(tmp_path, (2,)), torch.randn(2)
    for key in ('abc', 'abd', 'abe'):
        assert torch.equal(cache.get(key, lambda: value), value)
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]
    assert len(said) == 1
    assert 'abc.npy cannot be kept' in said[0] and 'Fix:' in said[0]


def test_a_folder_that_cannot_be_made(tmp_path, said):
    (tmp_path / 'file').write_text('')
    cache, value = TensorCache(tmp_path / 'file', (2,)), torch.randn(2)
    with pytest.warns(UserWarning, match='is damaged .*Not a directory'):
        assert torch.equal(cache.get('abc', lambda: value), value)
    assert 'cannot be kept' in said[0]

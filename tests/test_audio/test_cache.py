import numpy as np
import pytest
import torch

from mmavs.audio.cache import TensorCache, content_key


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
    cache, value = TensorCache(tmp_path), torch.randn(5, 3)
    assert torch.equal(cache.get('abc', lambda: value), value)

    def never():
        raise AssertionError('computed again')

    assert torch.equal(TensorCache(tmp_path).get('abc', never), value)
    assert [p.name for p in tmp_path.rglob('*.*')] == ['abc.npy']


def test_a_damaged_file_is_made_anew_with_a_warning(tmp_path):
    cache, value = TensorCache(tmp_path), torch.randn(50)
    cache.get('abc', lambda: value)
    path = cache.path('abc')
    path.write_bytes(path.read_bytes()[:150])
    with pytest.warns(UserWarning, match='abc.npy is damaged'):
        assert torch.equal(cache.get('abc', lambda: value), value)
    np.testing.assert_array_equal(np.load(path), value.numpy())


def test_a_failed_computation_leaves_nothing(tmp_path):
    def fail():
        raise RuntimeError('no')

    with pytest.raises(RuntimeError):
        TensorCache(tmp_path).get('abc', fail)
    assert not list(tmp_path.iterdir())

import os
import pickle
import zipfile

import pytest
import torch

from mmavs.audio import read_log_mel_pickle


@pytest.fixture
def log_mel() -> torch.Tensor:
    # The released files hold non-leaf tensors that require gradients.
    return torch.randn(5, 1, 96, 64).requires_grad_()


def test_plain_pickles_are_read(tmp_path, log_mel):
    path = tmp_path / 'clip.pkl'
    path.write_bytes(pickle.dumps(log_mel))
    ours = read_log_mel_pickle(path)
    assert not ours.requires_grad
    assert torch.equal(ours, log_mel.detach())


def test_files_of_torch_save_are_read(tmp_path, log_mel):
    torch.save(log_mel.detach(), tmp_path / 'clip.pkl')
    assert zipfile.is_zipfile(tmp_path / 'clip.pkl')
    ours = read_log_mel_pickle(tmp_path / 'clip.pkl')
    assert torch.equal(ours, log_mel.detach())


class _Attack:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize('how', ['pickle', 'torch', 'storage'])
def test_code_is_refused_and_does_not_run(tmp_path, how):
    path, trace = tmp_path / 'clip.pkl', tmp_path / 'trace'
    if how == 'pickle':
        path.write_bytes(pickle.dumps([torch.zeros(1), _Attack(trace)]))
    elif how == 'torch':
        torch.save([_Attack(trace)], path)
    else:
        # Code hidden in the bytes that a tensor's storage is made from.
        inner = pickle.dumps(_Attack(trace), protocol=2)
        call = pickle.dumps(torch.storage._load_from_bytes)[:-1]
        path.write_bytes(call + b'C' + bytes([len(inner)]) + inner + b'\x85R.')
    with pytest.raises(ValueError, match='clip.pkl.*safely.*Fix'):
        read_log_mel_pickle(path)
    assert not trace.exists()


def test_damaged_absent_or_odd_files_are_named(tmp_path, log_mel):
    path = tmp_path / 'clip.pkl'
    with pytest.raises(FileNotFoundError, match='clip.pkl.*Fix'):
        read_log_mel_pickle(path)
    path.write_bytes(pickle.dumps(log_mel)[:5000])
    with pytest.raises(ValueError, match='clip.pkl.*Fix'):
        read_log_mel_pickle(path)
    path.write_bytes(pickle.dumps(torch.zeros(5, 128)))
    with pytest.raises(ValueError, match=r'must hold.*\(5, 128\)'):
        read_log_mel_pickle(path)
    path.write_bytes(pickle.dumps(torch.full((5, 1, 96, 64), torch.nan)))
    with pytest.raises(ValueError, match='finite'):
        read_log_mel_pickle(path)
    path.write_bytes(pickle.dumps(torch.zeros(5, 1, 96, 64).int()))
    with pytest.raises(ValueError, match='floats .*torch.int32. Fix'):
        read_log_mel_pickle(path)

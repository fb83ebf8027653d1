"""What FSDP shares out: clipped by the norm of all ranks, on any device."""

import inspect

import pytest
import torch
from mmengine.dist import get_rank
from mmengine.optim import OptimWrapper

from mmavs.testing import on_ranks


def clip_on_this_rank(**how):
    """Ranks hold 3 and 4 of a gradient whose norm is 5; a third has none."""
    rank = get_rank()
    part = torch.nn.Parameter(torch.zeros(1))
    part._fsdp_flattened = True
    if rank < 2:
        part.grad = torch.tensor([3.0 + rank])
    sgd = torch.optim.SGD([part], lr=1.0)
    OptimWrapper(sgd, clip_grad=how)._clip_grad()
    return None if part.grad is None else part.grad.item()


@pytest.mark.slow
def test_all_ranks_scale_alike():
    clipped = on_ranks(lambda: clip_on_this_rank(max_norm=1.0), 3)
    assert clipped[:2] == pytest.approx([0.6, 0.8], abs=1e-5)
    assert clipped[2] is None
    kept = on_ranks(lambda: clip_on_this_rank(max_norm=6.0), 2)
    assert kept == [3.0, 4.0]


def test_one_process_alone():
    assert clip_on_this_rank(max_norm=1.5) == pytest.approx(1.5, abs=1e-5)


def test_upstream_still_clips_by_a_rank_alone():
    """Fails once mmengine asks the other ranks, or FSDP itself."""
    source = inspect.getsource(OptimWrapper._clip_grad.__wrapped__)
    assert 'reduce' not in source and 'clip_grad_norm_' not in source


def test_upstream_still_gives_fsdp_a_gpu():
    """Fails once mmengine asks where the model is."""
    from mmengine._strategy import fsdp

    assert "device_id=int(os.environ['LOCAL_RANK'])" in inspect.getsource(fsdp)


def test_upstream_still_resumes_by_arguments_of_pytorch_2_0():
    """Fails once mmengine has them in the order of PyTorch 2.1 and newer."""
    from mmengine._strategy import fsdp

    words = ' '.join(inspect.getsource(fsdp).split())
    assert 'to_load( state_dict, self.model, self.optim_wrapper' in words

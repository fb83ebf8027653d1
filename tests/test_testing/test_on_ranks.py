import pytest
import torch
from mmengine.dist import all_reduce, get_rank, get_world_size
from torch.multiprocessing import ProcessRaisedException

from mmavs.testing import on_ranks


def test_ranks_meet_and_give_back_in_order():
    seen = torch.tensor([5.0])  # of this process, known to the ranks

    def sum_up():
        total = seen + get_rank()
        all_reduce(total)
        return dict(rank=get_rank(), of=get_world_size(), total=total)

    given = on_ranks(sum_up, world_size=3)
    assert [x['rank'] for x in given] == [0, 1, 2]
    assert all(x['of'] == 3 and x['total'] == 18 for x in given)
    assert get_world_size() == 1


def test_a_failing_rank_ends_the_others():
    def fail():
        if get_rank() == 1:
            raise RuntimeError('of the second rank')
        all_reduce(torch.ones(1))

    # of whichever is heard first: the failing one or the one left alone
    with pytest.raises(ProcessRaisedException, match='Traceback'):
        on_ranks(fail)

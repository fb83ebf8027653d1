import multiprocessing
import pickle

import torch

from mmavs.warn_once import WarnOnce


def test_one_warning_however_often(warned):
    warn = WarnOnce()
    warn('first')
    warn('second')
    assert warned == ['first']
    WarnOnce()('another kind')
    assert warned == ['first', 'another kind']


def test_forked_workers_share_the_one_warning(warned):
    warn = WarnOnce()
    context = multiprocessing.get_context('fork')
    worker = context.Process(target=warn, args=('said by a worker',))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    warn('said again by another')
    assert not warned


def test_it_can_be_copied():
    assert pickle.loads(pickle.dumps(WarnOnce())) is not None


def test_a_model_without_memory_can_hold_one(warned):
    with torch.device('meta'):
        WarnOnce()('said')
    assert warned == ['said']

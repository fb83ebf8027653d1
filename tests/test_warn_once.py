import logging
import multiprocessing
import pickle

import pytest
import torch
from mmengine.logging import MMLogger

from mmavs.warn_once import WarnOnce


@pytest.fixture
def messages():
    found = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: found.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def test_one_warning_however_often(messages):
    warn = WarnOnce()
    warn('first')
    warn('second')
    assert messages == ['first']
    WarnOnce()('another kind')
    assert messages == ['first', 'another kind']


def test_forked_workers_share_the_one_warning(messages):
    warn = WarnOnce()
    context = multiprocessing.get_context('fork')
    worker = context.Process(target=warn, args=('said by a worker',))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    warn('said again by another')
    assert not messages


def test_it_can_be_copied():
    assert pickle.loads(pickle.dumps(WarnOnce())) is not None


def test_a_model_without_memory_can_hold_one(messages):
    with torch.device('meta'):
        WarnOnce()('said')
    assert messages == ['said']

"""Shared by all tests: one seed, few threads, mmavs registered."""

import gc
import logging
import os

import pytest
import torch
from mmengine.logging import MMLogger

from mmavs.testing import tiny_avsbench
from mmavs.utils import register_all_modules

if 'PYTEST_XDIST_WORKER' in os.environ:  # one of several at once
    os.environ['OMP_NUM_THREADS'] = '1'  # of what tests start
    torch.set_num_threads(1)
else:
    torch.set_num_threads(min(2, torch.get_num_threads()))


def pytest_collection_finish():
    """Let no garbage collection look at modules again; some tests ask often.

    It would take a third of a second each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _scope_and_seed():
    register_all_modules()
    torch.manual_seed(0)


@pytest.fixture
def warned():
    """Messages of level warning that reach the run's logger."""
    messages = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


@pytest.fixture(scope='session')
def tiny_ms3(tmp_path_factory):
    """Data root of a synthetic MS3, 64 px; tests leave it as it is."""
    return tiny_avsbench(tmp_path_factory.mktemp('ms3'), 'ms3')


@pytest.fixture(scope='session')
def tiny_s4(tmp_path_factory):
    """Data root of a synthetic S4, 64 px; tests leave it as it is."""
    return tiny_avsbench(tmp_path_factory.mktemp('s4'), 's4')


@pytest.fixture(scope='session')
def tiny_avss(tmp_path_factory):
    """Data root of a synthetic AVSBench-semantic; tests leave it as it is."""
    return tiny_avsbench(tmp_path_factory.mktemp('avss'), 'avss')

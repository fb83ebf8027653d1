"""Shared by all tests: one seed, two threads at most, mmavs registered."""

import pytest
import torch

from mmavs.utils import register_all_modules

torch.set_num_threads(min(2, torch.get_num_threads()))


@pytest.fixture(autouse=True)
def _scope_and_seed():
    register_all_modules()
    torch.manual_seed(0)

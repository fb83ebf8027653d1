"""PyTorch's exporters: what they say, and what they need."""

import contextlib
import logging
import os
import shutil
import warnings
from typing import Iterator, Optional

_TALKATIVE = ('torch.onnx', 'onnxscript', 'onnx_ir')
_COMPILERS = ('g++', 'clang++', 'c++')


@contextlib.contextmanager
def quiet_exporter() -> Iterator[None]:
    """Keep what an exporter says of its own affairs off the user's screen."""
    logs = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for log, level in zip(logs, levels):
            log.setLevel(level)


@contextlib.contextmanager
def plain_attention() -> Iterator[None]:
    """Keep PyTorch's attention out of a fused operator of its own.

    In evaluation mode ``nn.MultiheadAttention`` calls one that exporters do
    not know.
    """
    import torch

    switch = torch.backends.mha
    before = switch.get_fastpath_enabled()
    switch.set_fastpath_enabled(False)
    try:
        yield
    finally:
        switch.set_fastpath_enabled(before)


def no_compiler() -> Optional[str]:
    """Say why nothing can be compiled; None if there is a C++ compiler."""
    named = os.environ.get('CXX')
    if named:
        return None if shutil.which(named) else f'CXX={named} is not there'
    if any(shutil.which(name) for name in _COMPILERS):
        return None
    return f'none of {", ".join(_COMPILERS)} is there'

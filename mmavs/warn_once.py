"""Warnings that are worth saying once per run."""

import logging

import torch
from mmengine.logging import print_log


class WarnOnce:
    """Log one warning, however often and in how many workers it comes up.

    The flag lies in shared memory, so data loader workers forked from this
    process share it.
    """

    def __init__(self) -> None:
        # on the CPU also where models are built on another device, or on none
        said = torch.zeros(1, dtype=torch.uint8, device='cpu')
        self._said = said.share_memory_()

    def __call__(self, message: str) -> None:
        """Log ``message`` as a warning unless one was logged before."""
        if not self._said.item():
            self._said.fill_(1)
            print_log(message, logger='current', level=logging.WARNING)

"""Warnings that are worth saying once per run."""

import logging
import mmap
import sys
from typing import Tuple


class WarnOnce:
    """Log one warning, however often and in how many workers it comes up.

    The flag lies in shared memory, so data loader workers forked from this
    process share it; a copy begins anew.
    """

    def __init__(self) -> None:
        self._said = mmap.mmap(-1, 1)

    def __call__(self, message: str) -> None:
        """Log ``message`` as a warning unless one was logged before."""
        if not self._said[0]:
            self._said[0] = 1
            warn(message)

    def __reduce__(self) -> Tuple:
        return type(self), ()


def warn(message: str) -> None:
    """Log a warning: to mmengine's log, or without mmengine to Python's."""
    if 'mmengine' not in sys.modules:
        logging.getLogger('mmavs').warning(message)
        return
    from mmengine.logging import print_log

    print_log(message, logger='current', level=logging.WARNING)

"""Hooks and loops of mmavs."""

from .hooks import *  # noqa: F401,F403
from .loops import CountedValTrainLoop  # noqa: F401

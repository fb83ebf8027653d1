"""Datasets of mmavs; importing this package registers every component."""

from .transforms import *  # noqa: F401,F403

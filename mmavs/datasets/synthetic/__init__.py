"""A small world in AVSBench's layouts in which sound decides the mask."""

from .classes import CLASSES
from .generate import ensure_synthetic, read_side_file
from .layouts import SETTINGS

__all__ = ['CLASSES', 'SETTINGS', 'ensure_synthetic', 'read_side_file']

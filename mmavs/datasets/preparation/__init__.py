"""Raw videos to AVSBench's files, and what is wrong with such files."""

from .check import OFFICIAL_CLIPS, Report, check_data
from .clips import SETTINGS, ClipJob, list_jobs
from .prepare import Options, prepare_data

__all__ = [
    'OFFICIAL_CLIPS',
    'SETTINGS',
    'ClipJob',
    'Options',
    'Report',
    'check_data',
    'list_jobs',
    'prepare_data',
]

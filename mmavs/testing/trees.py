"""Tiny synthetic AVSBench trees for tests.

In a test module (or a ``conftest.py``)::

    from mmavs.testing import tiny_avsbench

    @pytest.fixture(scope='session')
    def tiny_ms3(tmp_path_factory):
        return tiny_avsbench(tmp_path_factory.mktemp('data'), 'ms3')

``tests/conftest.py`` offers exactly that as the session fixtures
``tiny_ms3``, ``tiny_s4`` and ``tiny_avss``: data roots that tests read and
leave as they are. A test that breaks files takes a copy: ``tiny_copy(root,
tmp_path)``.
"""

import shutil
from pathlib import Path
from typing import Dict, Optional

from mmavs.datasets.synthetic import ensure_synthetic

TINY_CLIPS = {'train': 4, 'val': 2, 'test': 3}


def tiny_avsbench(
    root: Path,
    setting: str,
    clips: Optional[Dict[str, int]] = None,
    size: int = 64,
    video: bool = False,
) -> Path:
    """Make a few synthetic clips.

    Args:
        root (Path): An empty folder.
        setting (str): 'ms3', 's4' or 'avss' (whose clips are in turn of v1s,
            v1m and v2).
        clips (dict, optional): Clips by split; defaults to 4 of train, 2 of
            val, 3 of test.
        size (int): Shorter side in pixels.
        video (bool): Also write mp4 files.

    Returns:
        Path: The data root, as the data sets want it.
    """
    return ensure_synthetic(
        root,
        setting,
        clips=clips or TINY_CLIPS,
        size=size,
        video=video,
        workers=1,
        progress=False,
    )


def tiny_copy(root: Path, target: Path) -> Path:
    """Copy a data root so that a test may change it."""
    return Path(shutil.copytree(root, target / root.name))

"""Composing whole data sets in AVSBench's layouts, and what hearing adds."""

import functools
from pathlib import Path
from typing import Dict, Optional, Tuple

import numpy as np

from ..synthetic.generate import ensure_set
from ..synthetic.layouts import LAYOUTS
from ..synthetic.script import ClipScript
from .material import Material, read_material
from .mixing import mix
from .scene import ComposedScene


class ComposedWorld:
    """Photographs and recordings; see :class:`..synthetic.world.World`.

    Args:
        folder (Path): Of the material; all that travels to other processes.
        semantic (bool): Classes are those of AVSBench-semantic; others are
            not drawn.
    """

    maker = 'mmavs composed clips, version 1'
    tool = 'tools/dataset_converters/compose_clips.py'

    def __init__(self, folder: Path, semantic: bool) -> None:
        self.folder, self.semantic = Path(folder), semantic

    @property
    def _material(self) -> Material:
        return _material(self.folder, self.semantic)

    @property
    def material(self) -> str:
        """str: Fingerprint."""
        return self._material.fingerprint

    @property
    def classes(self) -> tuple:
        """tuple: Of :class:`ComposedClass`, by name."""
        return self._material.classes

    def scene(
        self, script: ClipScript, size: Tuple[int, int]
    ) -> ComposedScene:
        """Give what is seen in a clip."""
        return ComposedScene(script, size, self._material)

    def mix_sound(self, script: ClipScript) -> np.ndarray:
        """Give what is heard in it."""
        return mix(script, self._material)


@functools.lru_cache(maxsize=4)
def _material(folder: Path, semantic: bool) -> Material:
    material = read_material(folder)
    return material.of_avss() if semantic else material


def ensure_composed(
    root: Path,
    setting: str,
    material: Material,
    clips: Optional[Dict[str, int]] = None,
    size: Optional[int] = None,
    seed: Optional[int] = None,
    video: bool = False,
    workers: Optional[int] = None,
    progress: bool = True,
) -> Path:
    """Compose the clips of one AVSBench setting unless they are there.

    An interrupted run is carried on; more clips than there are get added.

    Args:
        root (Path): Folder of all settings.
        setting (str): 's4', 'ms3', 'all' or 'avss'.
        material (Material): From :func:`~.material.gather`.
        clips (dict, optional): See
            :func:`~mmavs.datasets.synthetic.ensure_synthetic`, as the others.
        size (int, optional): Shorter side of the frames in pixels.
        seed (int, optional): Seed of everything but the split of the files.
        video (bool): Also write mp4 files with sound. Defaults to False.
        workers (int, optional): Processes; defaults to the usable CPUs.
        progress (bool): Show a progress bar. Defaults to True.

    Returns:
        Path: The data root of the setting, as the data sets want it.

    Raises:
        ValueError: As ``ensure_synthetic``; of the classes fewer than two
            are in AVSBench-semantic.
        FileExistsError: The folder holds something this did not make.
    """
    semantic = setting in LAYOUTS and LAYOUTS[setting].semantic
    world = ComposedWorld(material.folder, semantic)
    if len(world.classes) < 2:
        raise ValueError(
            f'{len(world.classes)} of the classes are in AVSBench-semantic; '
            'it takes two. Fix: name them as it does, or take another setting.'
        )
    plan = (clips, size, seed, video)
    return ensure_set(root, setting, *plan, world, workers, progress)

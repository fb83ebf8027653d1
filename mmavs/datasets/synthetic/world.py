"""What a script is played with: looks and timbres of some classes."""

from typing import Protocol, Sequence, Tuple

import numpy as np

from .classes import CLASSES
from .scene import Scene, mix_sound
from .script import ClipScript


class NamedClass(Protocol):
    """One kind of object.

    Attributes:
        name (str): Class; of AVSBench-semantic where masks hold classes.
        category (str): Folder name in S4's layout; one of S4's 23 categories
            where it fits.
    """

    name: str
    category: str


class PlayedScene(Protocol):
    """Everything that is seen in one clip, see :class:`.scene.Scene`."""

    size: Tuple[int, int]

    def render(self, t: float) -> Tuple[np.ndarray, np.ndarray]:
        """Draw time ``t``: (H, W, 3) uint8 BGR, (H, W) uint8 owners."""


class World(Protocol):
    """Turns scripts into pictures and sound; travels to other processes.

    Attributes:
        maker (str): Who made a folder, noted in its side file.
        tool (str): The script to run again, for messages.
        material (str): Fingerprint of the files that clips are made of; ''
            where everything is computed.
        classes (Sequence[NamedClass]): At most 254; scripts hold indices.
    """

    maker: str
    tool: str
    material: str
    classes: Sequence[NamedClass]

    def scene(self, script: ClipScript, size: Tuple[int, int]) -> PlayedScene:
        """Give what is seen in a clip, (height, width) pixels large."""

    def mix_sound(self, script: ClipScript) -> np.ndarray:
        """Give what is heard in it, (S,) float32 in [-1, 1] at 16 kHz."""


class SyntheticWorld:
    """Shapes and beeps."""

    maker = 'mmavs synthetic AVSBench, version 2'
    tool = 'tools/dataset_converters/synthesize_avsbench.py'
    material = ''
    classes = CLASSES
    scene = Scene
    mix_sound = staticmethod(mix_sound)

"""From a script to pictures and sound."""

from typing import Callable, List, NamedTuple, Optional, Tuple

import cv2
import numpy as np

from .classes import CLASSES
from .looks import ObjectLook, draw_look, paint
from .script import ClipScript
from .timbres import SAMPLE_RATE, play

# A frame belongs to second l and shows time l + 7/8: frame 8 l + 7 of a video
# at 8 fps, which is where AVSBench's rule int((l + 15/16) * fps) looks.
FRAME_OFFSET = 7 / 8
VIDEO_FPS = 8
_LOOK_STREAM, _SOUND_STREAM = 1, 2
_MARGIN = 0.12  # objects' centres keep this far from the border
_FADE_SECONDS = 0.012  # on and off without a click


class Motion(NamedTuple):
    """Straight flight that bounces off the borders, with rotation.

    Attributes:
        start (np.ndarray): x, y at time 0, in shares of the shorter side.
        velocity (np.ndarray): The same per second.
        angle (float): Rotation at time 0, in radians.
        spin (float): Radians per second.
    """

    start: np.ndarray
    velocity: np.ndarray
    angle: float
    spin: float

    def position(self, t: np.ndarray, extent: np.ndarray) -> np.ndarray:
        """Give centres (len(t), 2) inside ``extent``."""
        room = extent - 2 * _MARGIN
        way = self.start + np.asarray(t)[:, None] * self.velocity - _MARGIN
        folded = np.abs((way + room) % (2 * room) - room)
        return folded + _MARGIN


DrawMotion = Callable[[np.random.Generator, np.ndarray], Motion]


class Scene:
    """Everything that is seen in one clip, at any time and size.

    Args:
        script (ClipScript): Who is visible.
        size (tuple[int, int]): Height and width in pixels.
    """

    def __init__(self, script: ClipScript, size: Tuple[int, int]) -> None:
        rng = script.rng(_LOOK_STREAM)
        self.size = size
        self.scale = min(size)
        self.extent = np.array(size[::-1]) / self.scale
        self.looks: List[ObjectLook] = [
            draw_look(label, rng) for label in script.visible
        ]
        times = np.arange(script.num_frames) + FRAME_OFFSET
        self.motions = place_apart(rng, self.looks, times, self.extent)
        self.background = _background(rng, self.size, self.scale)
        self.drift = rng.uniform(-0.025, 0.025, 2)
        self.noise = rng.normal(
            0, rng.uniform(2, 6), (size[0] + 32, size[1] + 32, 3)
        ).astype(np.float32)

    def render(self, t: float) -> Tuple[np.ndarray, np.ndarray]:
        """Draw the scene at time ``t`` in seconds.

        Returns:
            tuple: The frame (H, W, 3) uint8 BGR, and (H, W) uint8 with
            ``label + 1`` of the object seen in a pixel, 0 for none.
        """
        height, width = self.size
        room = np.array(self.background.shape[1::-1]) - (width, height)
        shift = np.abs((room / 2 + self.drift * t * self.scale) % (2 * room))
        left, top = np.minimum(shift, 2 * room - shift).astype(int)
        image = self.background[top : top + height, left : left + width].copy()
        owner = np.zeros((height, width), np.uint8)
        for look, motion in zip(self.looks, self.motions):
            center = motion.position([t], self.extent)[0] * self.scale
            angle = motion.angle + motion.spin * t
            paint(image, owner, look, tuple(center), angle, self.scale)
        row, column = int(t * 97) % 32, int(t * 61) % 32
        image += self.noise[row : row + height, column : column + width]
        return np.clip(image, 0, 255).astype(np.uint8), owner


def place_apart(
    rng: np.random.Generator,
    looks: List[ObjectLook],
    times: np.ndarray,
    extent: np.ndarray,
    tries: int = 16,
    draw_motion: Optional[DrawMotion] = None,
) -> List[Motion]:
    """Draw one motion per object so that they cover each other little.

    Of ``tries`` motions the one is taken whose closest approach to the
    objects placed so far, at the times of the frames, is the widest.

    Args:
        rng (np.random.Generator): Source of the motions.
        looks (list): With a ``radius`` in shares of the shorter side.
        times (np.ndarray): (T,) in seconds.
        extent (np.ndarray): Width and height in shares of the shorter side.
        tries (int): Motions to choose from. Defaults to 16.
        draw_motion (callable, optional): ``(rng, extent) -> Motion``.
            Defaults to slow flight in any direction and at any angle.

    Returns:
        list[Motion]: One per look.
    """
    draw_motion = draw_motion or _draw_motion
    motions, paths = [], []
    for look in looks:
        best, widest = None, -np.inf
        for _ in range(tries):
            motion = draw_motion(rng, extent)
            path = motion.position(times, extent)
            gaps = [
                np.hypot(*(path - other).T).min() - look.radius - radius
                for other, radius in paths
            ]
            gap = min(gaps, default=0)
            if gap > widest:
                best, widest, best_path = motion, gap, path
        motions.append(best)
        paths.append((best_path, look.radius))
    return motions


def _draw_motion(rng: np.random.Generator, extent: np.ndarray) -> Motion:
    heading, speed = rng.uniform(0, 2 * np.pi), rng.uniform(0.01, 0.1)
    return Motion(
        start=rng.uniform(_MARGIN, extent - _MARGIN),
        velocity=speed * np.array([np.cos(heading), np.sin(heading)]),
        angle=rng.uniform(0, 2 * np.pi),
        spin=rng.uniform(-0.5, 0.5),
    )


def _background(
    rng: np.random.Generator, size: Tuple[int, int], scale: int
) -> np.ndarray:
    """Coloured noise of four octaves, larger than the frame, float32."""
    height, width = (side + scale // 4 for side in size)
    image = np.zeros((height, width, 3), np.float32)
    for octave in range(4):
        cells = 3 * 2**octave
        noise = rng.random((cells, cells, 3), dtype=np.float32) - 0.5
        image += 0.6**octave * cv2.resize(
            noise, (width, height), interpolation=cv2.INTER_CUBIC
        )
    if rng.random() < 0.5:
        x = np.arange(width) / scale * rng.uniform(10, 40)
        y = np.arange(height)[:, None] / scale * rng.uniform(10, 40)
        image += 0.12 * np.sin(x + y).astype(np.float32)[..., None]
    level = rng.uniform(70, 150, 3).astype(np.float32)
    return level + image * np.float32(rng.uniform(60, 110))


def mix_sound(script: ClipScript) -> np.ndarray:
    """Mix what is heard in a clip.

    Each source keeps one timbre and level (-27 to -17 dB RMS) and is let
    through in the seconds in which it sounds; noise of -55 to -42 dB lies
    beneath everything.

    Returns:
        np.ndarray: (S,) float32 in [-1, 1] at 16 kHz, S = 16000 * T.
    """
    rng = script.rng(_SOUND_STREAM)
    seconds = script.num_frames
    floor = 10 ** (rng.uniform(-55, -42) / 20)
    mixed = rng.standard_normal(seconds * SAMPLE_RATE, dtype=np.float32)
    mixed *= np.float32(floor)
    heard = [
        set(a) | set(b) for a, b in zip(script.sounding, script.off_screen)
    ]
    for label in sorted(set().union(*heard)):
        gate = gate_seconds([label in second for second in heard])
        wave = play(CLASSES[label].timbre, rng, seconds)
        level = np.float32(10 ** (rng.uniform(-27, -17) / 20))
        mixed += level * gate * wave
    peak = np.abs(mixed).max()
    return mixed * np.float32(min(1, 0.98 / peak))


def gate_seconds(
    active: List[bool], fade_seconds: float = _FADE_SECONDS
) -> np.ndarray:
    """Give one value per sample: 1 in active seconds, short ramps between."""
    samples = np.repeat(np.array(active, np.float32), SAMPLE_RATE)
    width = int(fade_seconds * SAMPLE_RATE)
    padded = np.pad(samples, (width // 2, width - width // 2 - 1), 'edge')
    sums = np.cumsum(np.pad(padded, (1, 0)), dtype=np.float64)
    return ((sums[width:] - sums[:-width]) / width).astype(np.float32)

"""Tiny made-up pictures and recordings to compose clips of."""

import wave
from pathlib import Path

import cv2
import numpy as np

from mmavs.datasets.composed import gather
from mmavs.datasets.composed.own_folders import read_folders

COLORS = dict(dog=(40, 40, 200), boat=(200, 60, 20), drum=(30, 180, 30))
TONES = dict(dog=300.0, boat=900.0, drum=2700.0)


def write_disc(path: Path, color, side: int = 40) -> None:
    """A disc on nothing, PNG with alpha."""
    image = np.zeros((side, side, 4), np.uint8)
    cv2.circle(image, (side // 2,) * 2, side // 2 - 4, (*color, 255), -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def write_tone(path: Path, hertz: float, seconds: float = 0.5) -> None:
    t = np.arange(int(16000 * seconds)) / 16000
    samples = 8000 * np.sin(2 * np.pi * hertz * t)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.astype('<i2').tobytes())


def write_sources(root: Path) -> Path:
    """Three classes with two pictures and one recording, four backgrounds."""
    for kind, color in COLORS.items():
        for number in range(2):
            write_disc(root / 'objects' / kind / f'{number}.png', color)
        write_tone(root / 'sounds' / kind / 'tone.wav', TONES[kind])
    (root / 'backgrounds').mkdir()
    for number in range(4):
        grey = np.full((60, 80, 3), 90 + 30 * number, np.uint8)
        cv2.imwrite(str(root / 'backgrounds' / f'{number}.jpg'), grey)
    return root


def list_sources(root: Path):
    """Items and what was left out, of the three folders."""
    items, left_out = [], []
    for role, folder in (
        ('picture', 'objects'),
        ('sound', 'sounds'),
        ('background', 'backgrounds'),
    ):
        found = read_folders(role, root / folder, 'CC0')
        items += found[0]
        left_out += found[1]
    return items, left_out


def gathered(root: Path, out: Path, size: int = 48):
    """The material of all three folders."""
    items, left_out = list_sources(root)
    return gather(items, left_out, out, size, 9, workers=1, progress=False)

"""The ten kinds of object of the synthetic world.

Each has a look (:mod:`.looks`) and a timbre (:mod:`.timbres`) of its own and
borrows the name of a class of AVSBench-semantic and of a category of
AVSBench's S4, so that the synthetic trees read like the real ones. Looks and
sounds are abstract; the names are labels, nothing more.
"""

from typing import NamedTuple


class SoundingClass(NamedTuple):
    """One kind of object.

    Attributes:
        name (str): Class of AVSBench-semantic.
        category (str): Category of S4, which is a folder name there.
        shape (str): Outline, a key of ``looks.SHAPES``.
        texture (str): Fill, a key of ``looks.TEXTURES``.
        hue (float): Centre of its hue family, in 0..1.
        timbre (str): Sound, a key of ``timbres.TIMBRES``.
    """

    name: str
    category: str
    shape: str
    texture: str
    hue: float
    timbre: str


CLASSES = (
    SoundingClass(
        'violin', 'playing_violin', 'disc', 'rings', 0.00, 'harmonics'
    ),
    SoundingClass(
        'bell', 'playing_glockenspiel', 'star', 'plain', 0.14, 'bell'
    ),
    SoundingClass(
        'emergency-car', 'ambulance_siren', 'square', 'stripes', 0.62, 'siren'
    ),
    SoundingClass(
        'bird', 'mynah_bird_singing', 'triangle', 'checker', 0.30, 'chirps'
    ),
    SoundingClass('gun', 'cap_gun_shooting', 'ring', 'plain', 0.50, 'bursts'),
    SoundingClass(
        'keyboard',
        'typing_on_computer_keyboard',
        'cross',
        'halves',
        0.86,
        'clicks',
    ),
    SoundingClass('baby', 'baby_laughter', 'crescent', 'plain', 0.08, 'vowel'),
    SoundingClass('mower', 'lawn_mowing', 'bar', 'dots', 0.40, 'buzz'),
    SoundingClass(
        'woman', 'female_singing', 'flower', 'petals', 0.76, 'tremolo'
    ),
    SoundingClass(
        'helicopter', 'helicopter', 'hexagon', 'hatch', 0.56, 'rumble'
    ),
)

"""What COCO and libraries of sounds call the same class.

One row per class: its name here, its name in COCO, and the labels of ESC-50,
VGGSound, FSD50K and AudioSet that mean its sound. Names are compared in small
letters, with one blank in place of anything else than letters and digits, so
``horse_clip-clop`` is ``Horse clip clop``.
"""

import re
from typing import Dict, Iterable, NamedTuple, Optional, Tuple

from ..avss_classes import AVSS_CLASSES
from ..s4_categories import AVSS_TO_S4


class KnownClass(NamedTuple):
    """A class that more than one collection has.

    Attributes:
        name (str): Here; the name in AVSBench-semantic where it has one.
        coco (str): Name of COCO's category, '' if it has none.
        sounds (tuple[str]): Labels of its sound.
    """

    name: str
    coco: str
    sounds: Tuple[str, ...]


def _known(name: str, coco: str, sounds: str) -> KnownClass:
    return KnownClass(name, coco, tuple(s.strip() for s in sounds.split(';')))


KNOWN_CLASSES: Tuple[KnownClass, ...] = (
    # animals
    _known(
        'bird',
        'bird',
        'chirping birds; bird chirping tweeting; mynah bird singing; bird; '
        'chirp tweet; chirp and tweet; bird vocalization bird call bird song; '
        'bird vocalization and bird call and bird song; warbler chirping; '
        'canary calling; barn swallow calling; wood thrush calling; '
        'baltimore oriole calling; black capped chickadee calling',
    ),
    _known('crow', '', 'crow; crow cawing; caw'),
    _known('owl', '', 'owl; owl hooting; hoot'),
    _known('pigeon', '', 'pigeon dove; pigeon dove cooing; coo'),
    _known('parrot', '', 'parrot talking'),
    _known('penguin', '', 'penguins braying'),
    _known('seagull', '', 'gull seagull; gull and seagull'),
    _known('turkey', '', 'turkey; turkey gobbling; gobble'),
    _known('duck', '', 'duck; duck quacking; quack'),
    _known('goose', '', 'goose; goose honking; honk'),
    _known('hen', '', 'hen; chicken clucking; chicken rooster; cluck; fowl'),
    _known(
        'rooster',
        '',
        'rooster; chicken crowing; crowing cock a doodle doo',
    ),
    _known(
        'cat',
        'cat',
        'cat; cat meowing; cat purring; cat growling; cat hissing; '
        'cat caterwauling; meow; purr; caterwaul',
    ),
    _known(
        'dog',
        'dog',
        'dog; dog barking; dog bow wow; dog growling; dog howling; '
        'dog baying; dog whimpering; bark; bow wow; yip; whimper dog',
    ),
    _known('wolf', '', 'coyote howling; canidae dogs wolves'),
    _known('fox', '', 'fox barking'),
    _known(
        'horse',
        'horse',
        'horse; horse clip clop; horse neighing; clip clop; neigh whinny',
    ),
    _known('donkey', '', 'donkey; donkey ass braying; donkey ass'),
    _known('zebra', 'zebra', 'zebra braying'),
    _known(
        'cow',
        'cow',
        'cow; cow lowing; cattle mooing; bull bellowing; cattle bovinae; moo',
    ),
    _known('sheep', 'sheep', 'sheep; sheep bleating'),
    _known('goat', '', 'goat; goat bleating'),
    _known('pig', '', 'pig; pig oinking; oink'),
    _known('elephant', 'elephant', 'elephant; elephant trumpeting'),
    _known('bear', 'bear', 'bear'),
    _known('giraffe', 'giraffe', 'giraffe'),
    _known(
        'lion',
        '',
        'lion; lions roaring; lions growling; roar; roaring cats lions tigers',
    ),
    _known('tiger', '', 'tiger'),
    _known('frog', '', 'frog; frog croaking; croak'),
    _known('mouse', '', 'mouse; mouse squeaking; mouse pattering'),
    _known('ferret', '', 'ferret; ferret dooking'),
    _known('squirrel', '', 'squirrel; chipmunk chirping'),
    _known('sea lion', '', 'sea lion; sea lion barking'),
    _known('whale', '', 'whale; whale calling; whale vocalization'),
    _known('chimpanzee', '', 'chimpanzee; chimpanzee pant hooting'),
    _known('cricket', '', 'crickets; cricket; cricket chirping'),
    _known('bee', '', 'bee; bee wasp etc; bee wasp etc buzzing'),
    # people
    _known('person', 'person', 'laughing; laughter; speech; people laughing'),
    _known(
        'man',
        '',
        'man; male speech man speaking; male speech and man speaking; '
        'male singing',
    ),
    _known(
        'woman',
        '',
        'woman; female speech woman speaking; '
        'female speech and woman speaking; female singing',
    ),
    _known(
        'baby',
        '',
        'baby; crying baby; baby crying; baby laughter; baby babbling; '
        'baby cry infant cry',
    ),
    # vehicles
    _known(
        'airplane',
        'airplane',
        'airplane; airplane flyby; fixed wing aircraft airplane; '
        'fixed wing aircraft and airplane',
    ),
    _known('helicopter', '', 'helicopter'),
    _known(
        'boat',
        'boat',
        'boat; motorboat speedboat acceleration; '
        'motorboat speedboat; boat and water vehicle',
    ),
    _known('bus', 'bus', 'bus; driving buses'),
    _known(
        'car',
        'car',
        'car; car horn; car passing by; race car auto racing; '
        'car engine idling; car engine starting; '
        'vehicle horn car horn honking; '
        'vehicle horn and car horn and honking',
    ),
    _known('motorcycle', 'motorcycle', 'motorcycle; driving motorcycle'),
    _known(
        'train',
        'train',
        'train; train horning; train whistling; train wheels squealing; '
        'railroad car train wagon; train horn; train whistle',
    ),
    _known('truck', 'truck', 'truck; reversing beeps; air brake'),
    _known(
        'emergency-car',
        '',
        'siren; ambulance siren; fire truck siren; police car siren; '
        'fire engine fire truck siren; emergency vehicle',
    ),
    _known('tractor', '', 'tractor; tractor digging'),
    _known('bicycle', 'bicycle', 'bicycle; bicycle bell'),
    _known('skateboard', 'skateboard', 'skateboard; skateboarding'),
    # things of the house and the garden
    _known(
        'clock',
        'clock',
        'clock; clock alarm; clock tick; alarm clock; alarm clock ringing; '
        'tick tock; tick',
    ),
    _known('toilet', 'toilet', 'toilet flush; toilet flushing'),
    _known(
        'keyboard',
        'keyboard',
        'keyboard typing; typing on computer keyboard; computer keyboard; '
        'typing',
    ),
    _known('computer mouse', 'mouse', 'mouse click; mouse clicking'),
    _known('hair-dryer', 'hair drier', 'hair dryer; hair dryer drying'),
    _known('toothbrush', 'toothbrush', 'brushing teeth; toothbrush'),
    _known(
        'cell phone',
        'cell phone',
        'cell phone; telephone bell ringing; cell phone buzzing; ringtone; '
        'telephone',
    ),
    _known('microwave', 'microwave', 'microwave oven'),
    _known('scissors', 'scissors', 'scissors'),
    _known(
        'sink',
        'sink',
        'sink filling or washing; water tap faucet; water tap and faucet',
    ),
    _known(
        'vacuum-cleaner',
        '',
        'vacuum cleaner; vacuum cleaner cleaning floors',
    ),
    _known('saw', '', 'saw; hand saw; chainsaw; chainsawing trees; sawing'),
    _known('mower', '', 'mower; lawn mowing; lawn mower'),
    _known('bell', '', 'bell; church bells; church bell ringing; church bell'),
    _known(
        'gun',
        '',
        'gun; cap gun shooting; machine gun shooting; '
        'gunshot gunfire; gunshot and gunfire; cap gun',
    ),
    # instruments
    _known('accordion', '', 'accordion; playing accordion'),
    _known('bassoon', '', 'bassoon; playing bassoon'),
    _known('cello', '', 'cello; playing cello'),
    _known('clarinet', '', 'clarinet; playing clarinet'),
    _known(
        'drum',
        '',
        'drum; drum kit; playing drum kit; playing snare drum; '
        'playing bass drum; snare drum; bass drum',
    ),
    _known('erhu', '', 'erhu; playing erhu'),
    _known('flute', '', 'flute; playing flute'),
    _known(
        'guitar',
        '',
        'guitar; acoustic guitar; electric guitar; playing acoustic guitar; '
        'playing electric guitar; playing bass guitar; bass guitar',
    ),
    _known('guzheng', '', 'guzheng; playing guzheng'),
    _known('harmonica', '', 'harmonica; playing harmonica'),
    _known('harp', '', 'harp; playing harp'),
    _known(
        'marimba',
        '',
        'marimba xylophone; marimba and xylophone; '
        'playing marimba xylophone; playing glockenspiel; glockenspiel; '
        'playing vibraphone',
    ),
    _known('piano', '', 'piano; playing piano'),
    _known('saxophone', '', 'saxophone; playing saxophone'),
    _known('sitar', '', 'sitar; playing sitar'),
    _known('tabla', '', 'tabla; playing tabla'),
    _known('trombone', '', 'trombone; playing trombone'),
    _known('trumpet', '', 'trumpet; playing trumpet; playing cornet'),
    _known('tuba', '', 'tuba; playing tuba'),
    _known('ukulele', '', 'ukulele; playing ukulele'),
    _known(
        'violin',
        '',
        'violin; playing violin fiddle; violin fiddle; violin and fiddle',
    ),
)


def plain(name: str) -> str:
    """Write a name as names are compared: ``'Bow-wow'`` -> ``'bow wow'``."""
    return re.sub(r'[^a-z0-9]+', ' ', name.lower()).strip()


_OF_SOUND: Dict[str, str] = {
    plain(label): known.name
    for known in KNOWN_CLASSES
    for label in (known.name, *known.sounds)
}
_OF_COCO: Dict[str, str] = {
    plain(known.coco): known.name for known in KNOWN_CLASSES if known.coco
}
_OF_AVSS: Dict[str, str] = {plain(name): name for name in AVSS_CLASSES[1:]}
# the first block of the table: one class for each category
_OF_S4: Dict[str, str] = {
    plain(category): name
    for name, category in reversed(list(AVSS_TO_S4.items()))
}


def class_of_folder(name: str) -> str:
    """Name the class of a user's folder; another one keeps its own name.

    Args:
        name (str): Of a class here, a label of sounds, a class of
            AVSBench-semantic or a category of S4.

    Returns:
        str: A class of the table, or the name as it is.
    """
    key = plain(name)
    return _OF_S4.get(key) or _OF_SOUND.get(key) or _OF_AVSS.get(key) or name


def class_of_coco(name: str) -> Optional[str]:
    """Name the class of a COCO category, None without a sound."""
    return _OF_COCO.get(plain(name))


def class_of_labels(labels: Iterable[str]) -> Optional[str]:
    """Name the one class that the labels of a recording mean.

    Returns:
        str or None: None if they mean no known class, or several.
    """
    found = {_OF_SOUND.get(plain(label)) for label in labels} - {None}
    return found.pop() if len(found) == 1 else None


def avss_class(name: str) -> Optional[str]:
    """Name a class in AVSBench-semantic, None if it is not there."""
    return _OF_AVSS.get(plain(name))


def s4_category(avss: Optional[str]) -> Optional[str]:
    """Name the category of S4 of a class of AVSBench-semantic, or None."""
    return AVSS_TO_S4.get(avss) if avss else None

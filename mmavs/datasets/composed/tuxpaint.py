"""Tux Paint's stamps: photographs of animals and things with recordings.

Debian's package ``tuxpaint-stamps-default``, GPL-2. Of the stamps that have a
recording of the same name beside them, those below are photographs (or look
like one) with a sound of the thing itself. Drawings, signs, speech, silent
recordings, those that another stamp has too, and what is a few pixels large
are not in the table.
"""

from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

from .items import PICTURE, SOUND, Item, LeftOut

FOLDER = Path('/usr/share/tuxpaint/stamps')
LICENCE = 'GPL-2 (Tux Paint stamps)'
_HOW_TO_GET = (
    'apt-get install tuxpaint-stamps-default; without root: apt-get download '
    'tuxpaint-stamps-default, dpkg-deb -x *.deb stamps, and --tuxpaint '
    'stamps/usr/share/tuxpaint/stamps'
)


class Stamp(NamedTuple):
    """A picture (.png) and its recording (.ogg).

    Attributes:
        path (str): Below the stamps' folder, without suffix.
        kind (str): Class; several stamps may be of one.
        avss (str, optional): Class of AVSBench-semantic.
    """

    path: str
    kind: str
    avss: Optional[str] = None


_TABLE = """
animals/amphibians/frog                       frog
animals/birds/blackbird                       blackbird      bird
animals/birds/crow                            crow           bird
animals/birds/cuckoo                          cuckoo         bird
animals/birds/drake                           duck           duck
animals/birds/duck                            duck           duck
animals/birds/gander                          goose          goose
animals/birds/hen                             hen            hen
animals/birds/heron_greatblue_flying          heron          bird
animals/birds/lark                            lark           bird
animals/birds/owl                             owl            bird
animals/birds/penguin                         penguin
animals/birds/quetzal                         quetzal        bird
animals/birds/rooster                         rooster        hen
animals/birds/seagull                         seagull        bird
animals/birds/tucan                           toucan         bird
animals/birds/turkey                          turkey
animals/birds/vulture                         vulture        bird
animals/insects/grasshopper                   grasshopper
animals/insects/hornet                        hornet
animals/mammals/apes/chimp                    chimpanzee
animals/mammals/apes/gorilla                  gorilla
animals/mammals/aquatic/dolphin               dolphin
animals/mammals/aquatic/orca                  orca
animals/mammals/aquatic/sea_lion              sea-lion
animals/mammals/aquatic/whale                 whale
animals/mammals/badger                        badger
animals/mammals/bears/bear                    bear
animals/mammals/bovines/bison                 bison
animals/mammals/bovines/bull                  bull
animals/mammals/bovines/cow                   cow
animals/mammals/bovines/cow_white             cow
animals/mammals/bovines/goat                  goat
animals/mammals/bovines/ram                   sheep          sheep
animals/mammals/bovines/sheep                 sheep          sheep
animals/mammals/bovines/sheep_lamb            sheep          sheep
animals/mammals/camel/camel                   camel
animals/mammals/cats/lion                     lion           lion
animals/mammals/cats/tiger                    tiger          tiger
animals/mammals/deer/caribou                  caribou
animals/mammals/deer/deer                     deer
animals/mammals/deer/doe                      deer
animals/mammals/dogs/dog                      dog            dog
animals/mammals/dogs/fox                      fox
animals/mammals/elephant                      elephant       elephant
animals/mammals/equines/donkey                donkey         donkey
animals/mammals/equines/horse                 horse          horse
animals/mammals/equines/zebra                 zebra
animals/mammals/ferret                        ferret
animals/mammals/hippopotamus                  hippopotamus
animals/mammals/pig                           pig            pig
animals/mammals/pig_golden                    pig            pig
animals/mammals/pig_golden2                   pig            pig
animals/mammals/rodents/mouse                 mouse
animals/mammals/rodents/rabbit                rabbit
animals/mammals/rodents/squirrel              squirrel       squirrel
animals/marsupials/koala                      koala
hobbies/camera_35mm                           camera
hobbies/music/percussion/cymbal_crash         cymbal
hobbies/music/percussion/drum_tomtom_floor    tom-tom        drum
hobbies/music/percussion/drumkit              drum-kit       drum
hobbies/music/string/cello                    cello          cello
hobbies/music/string/violin                   violin         violin
hobbies/music/wind/bassoon                    bassoon        bassoon
household/kettle                              kettle
household/toilet                              toilet
household/tools/saw                           saw            saw
vehicles/emergency/firetruck                  fire-engine    emergency-car
"""
STAMPS: Tuple[Stamp, ...] = tuple(
    Stamp(*line.split()) for line in _TABLE.strip().splitlines()
)


def read_stamps(folder: Path = FOLDER) -> Tuple[List[Item], List[LeftOut]]:
    """List the stamps of the table.

    Args:
        folder (Path): Of the stamps. Defaults to where Debian puts them.

    Returns:
        tuple: Two items for each stamp, and stamps that are not there.

    Raises:
        FileNotFoundError: There is none of them.
    """
    items, left_out = [], []
    for stamp in STAMPS:
        files = (
            (PICTURE, folder / f'{stamp.path}.png'),
            (SOUND, folder / f'{stamp.path}.ogg'),
        )
        absent = [path.name for _, path in files if not path.is_file()]
        if absent:
            reason = f'not found: {" and ".join(absent)}'
            left_out.append(LeftOut(f'stamp {stamp.path}', reason))
            continue
        items += [
            Item(
                role,
                stamp.kind,
                path,
                f'tuxpaint/{path.relative_to(folder).as_posix()}',
                LICENCE,
                stamp.avss,
            )
            for role, path in files
        ]
    if not items:
        raise FileNotFoundError(
            f'no stamp of Tux Paint in {folder}. Fix: {_HOW_TO_GET}.'
        )
    return items, left_out

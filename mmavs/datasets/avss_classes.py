"""The 71 classes of AVSBench-semantic in their official order."""

from typing import List, Tuple

AVSS_CLASSES: Tuple[str, ...] = (
    'background accordion airplane axe baby bassoon bell bird boat boy bus '
    'car cat cello clarinet clipper clock dog donkey drum duck elephant '
    'emergency-car erhu flute frying-food girl goose guitar gun guzheng '
    'hair-dryer handpan harmonica harp helicopter hen horse keyboard leopard '
    'lion man marimba missile-rocket motorcycle mower parrot piano pig pipa '
    'saw saxophone sheep sitar sorna squirrel tabla tank tiger tractor train '
    'trombone truck trumpet tuba ukulele utv vacuum-cleaner violin wolf woman'
).split()
AVSS_CLASSES = tuple(AVSS_CLASSES)


def voc_palette(num_classes: int) -> List[List[int]]:
    """Give the palette of PASCAL VOC, which AVSBench-semantic uses too.

    Bits 0, 3, 6 of a label fill red from the top, bits 1, 4, 7 green, bits
    2, 5 blue: 1 is (128, 0, 0), 2 (0, 128, 0), 64 (32, 0, 0).

    Args:
        num_classes (int): How many colours, at most 256.

    Returns:
        list[list[int]]: RGB in 0..255.
    """
    palette = []
    for label in range(num_classes):
        color = [0, 0, 0]
        for bit in range(8):
            color[bit % 3] |= (label >> bit & 1) << (7 - bit // 3)
        palette.append(color)
    return palette


AVSS_PALETTE = voc_palette(len(AVSS_CLASSES))

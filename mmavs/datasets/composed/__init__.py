"""An AVSBench of real photographs and recordings, composed from files.

"Annotation-free audio-visual segmentation" (WACV 2024) trained on cut-outs
and sound libraries that were brought together; here they move on backgrounds
by the scripts of :mod:`mmavs.datasets.synthetic`.
"""

from .compose import ensure_composed
from .items import Item, LeftOut
from .material import Material, gather

__all__ = [
    'Item',
    'LeftOut',
    'Material',
    'ensure_composed',
    'gather',
]

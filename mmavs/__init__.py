"""mmavs: audio-visual segmentation as a plug-in of MMSegmentation.

Importing this package first (before ``mmseg``) is what lets MMSegmentation
run on ``mmcv-lite``; every touch on a foreign package is listed in
:mod:`mmavs.compat`.
"""

from mmavs.compat import prepare_stack

prepare_stack()

from mmavs.version import __version__  # noqa: E402

__all__ = ['__version__']

"""mmavs: audio-visual segmentation as a plug-in of MMSegmentation.

Importing this package first (before ``mmseg``) is what lets MMSegmentation
run on ``mmcv-lite``; every touch on a foreign package is listed in
:mod:`mmavs.compat`. The import itself loads neither torch nor OpenMMLab.
"""

from mmavs.compat import ready_when_imported
from mmavs.version import __version__

ready_when_imported()

__all__ = ['__version__']

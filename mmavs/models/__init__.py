"""Models of mmavs; importing this package registers every component."""

from .audio_encoders import *  # noqa: F401,F403
from .backbones import *  # noqa: F401,F403
from .data_preprocessor import AVSDataPreProcessor  # noqa: F401
from .decode_heads import *  # noqa: F401,F403
from .frozen_features import FrozenFeatures  # noqa: F401
from .losses import *  # noqa: F401,F403
from .necks import *  # noqa: F401,F403
from .segmentors import *  # noqa: F401,F403
from .task_modules import *  # noqa: F401,F403

"""VGGish as converted from TensorFlow (https://github.com/harritaylor/torchvggish).

The file ``vggish-10086976.pth``, which every AVSBench system loads.
"""

import re
from typing import Dict

from torch import Tensor

_KEY = re.compile(
    r'(features\.(0|3|6|8|11|13)|embeddings\.(0|2|4))\.(weight|bias)'
)
_POST_PROCESS = 'pproc.'  # AudioSet's PCA, used by no segmentation system


def convert_encoder(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name the weights as ``VGGish`` does.

    Args:
        state_dict (dict): Released keys, which are ours already; AudioSet's
            PCA (``pproc.*``) is dropped.

    Returns:
        dict: ``features.*`` and ``embeddings.*``.

    Raises:
        ValueError: Keys that no VGGish has.
    """
    weights = {
        key: value
        for key, value in state_dict.items()
        if not key.startswith(_POST_PROCESS)
    }
    unknown = [key for key in weights if not _KEY.fullmatch(key)]
    if unknown:
        raise ValueError(
            f'these keys are not of a released VGGish: {unknown[:5]} '
            f'({len(unknown)} in all)'
        )
    return weights


def convert(state_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """As :func:`convert_encoder`, with ``audio_encoder.`` before each key."""
    weights = convert_encoder(state_dict)
    return {f'audio_encoder.{key}': value for key, value in weights.items()}

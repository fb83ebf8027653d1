"""What is made to mislead the reader of each kind, and what it cannot see."""

from typing import Dict

from crafted_media import FLOAT_WAV, JPEG, MASK, PICTURE, VIDEO, WAV
from crafted_tensors import (
    BINARY_DUMP,
    CACHE,
    CHECKPOINT,
    DUMP,
    LOG_MEL,
    RESUMED,
)
from crafted_texts import (
    CSV,
    JSON,
    JSON_CONFIG,
    LOG,
    OUTPUTS,
    PYTHON_CONFIG,
    SIDE_FILE,
    YAML,
)
from damages import Damage

CRAFTED: Dict[str, Dict[str, Damage]] = {
    'wav of a data set': WAV,
    'float wav': {**WAV, **FLOAT_WAV},
    'frame, png': PICTURE,
    'frame, jpg': JPEG,
    'frame of a folder': JPEG,
    'mask, binary': {**PICTURE, **MASK},
    'mask, indices': {**PICTURE, **MASK},
    'mask, colours': {**PICTURE, **MASK},
    'category map': {**PICTURE, **MASK},
    'predicted mask': {**PICTURE, **MASK},
    'released log-mel': LOG_MEL,
    'log-mel cache': CACHE,
    'csv, S4': CSV,
    'csv, MS3': CSV,
    'csv, AVSS': CSV,
    'csv, own clips': CSV,
    'clips of a score': CSV,
    'synthetic.json': SIDE_FILE,
    'prepared.json': JSON,
    'sound of an mp4': VIDEO,
    'mp4, prepared': VIDEO,
    'mp4, segmented': VIDEO,
    'checkpoint': CHECKPOINT,
    'checkpoint, old format': CHECKPOINT,
    'load_from': CHECKPOINT,
    'checkpoint, resumed': RESUMED,
    'checkpoint, published': CHECKPOINT,
    'released VGGish': CHECKPOINT,
    'released AVS-BG': CHECKPOINT,
    'released AVSegFormer': CHECKPOINT,
    'dump, binary': BINARY_DUMP,
    'dump, semantic': DUMP,
    'config, py': PYTHON_CONFIG,
    'config, yaml': YAML,
    'config, json': JSON_CONFIG,
    'log of a run': LOG,
    'list of outputs': OUTPUTS,
}

# other videos, in which nothing is wrong with the sound
_OTHERS = {
    'pictures ten minutes apart',
    'pictures a day apart',
    'one picture',
    'a picture that lasts for days',
}
_LESS = {'absent', 'a folder'}  # one picture less in a folder
_WHOLE = {'rows that are missing'}  # by every checksum that a PNG has
# other results that are right, and those of formats without checksums
UNSEEN: Dict[str, set] = {
    'frame, jpg': _LESS,
    'frame of a folder': _LESS,
    'mask, binary': {*_LESS, *_WHOLE},  # a frame without a label
    'mask, indices': _WHOLE,
    'mask, colours': _WHOLE,
    'predicted mask': _WHOLE,
    'frame, png': _WHOLE,
    'category map': {'other labels', *_WHOLE},
    'synthetic.json': {'absent', 'a link to itself'},
    'checkpoint': {'sixteen bits'},
    'checkpoint, old format': {'sixteen bits'},
    'load_from': {'sixteen bits'},
    'checkpoint, resumed': {'sixteen bits'},
    # known by --config alone, or once they are loaded
    'checkpoint, published': {'sixteen bits', 'another name', 'another shape'},
    'released VGGish': {'sixteen bits', 'another shape'},
    'released AVS-BG': {'sixteen bits', 'another shape'},
    'released AVSegFormer': {'sixteen bits', 'another name', 'another shape'},
    'list of outputs': {'absent'},
    'flac': {'twice'},
    'sound of an mp4': _OTHERS,
    'mp4, prepared': {'a picture that lasts for days'},
    'mp4, segmented': {'one picture'},
    'mkv, segmented': {'twice'},
    'clips of a score': {'end cut off', 'a row cut off'},
    'config, yaml': {'half', 'end cut off'},
}

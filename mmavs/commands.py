"""What ``mmavs`` can be asked for, and the scripts that do it."""

import re
import sys
from pathlib import Path
from typing import NamedTuple, Optional

_started: Optional[str] = None
_MAKE = re.compile(r'\bmake \w+, or ')
_SCRIPT = re.compile(r'(?:python )?[^\s\'"(]*?((?:tools|demo)/[\w/]+\.py)\b')


class Command(NamedTuple):
    """A command: its script below tools/ or demo/, and what it does."""

    script: str
    help: str


COMMANDS = {
    'video': Command('demo/video_demo.py', 'segment what sounds in a video'),
    'web': Command(
        'demo/web_demo.py', 'open a page that segments uploaded videos'
    ),
    'train': Command('tools/train.py', 'train a model'),
    'test': Command('tools/test.py', 'test a model'),
    'data synthesize': Command(
        'tools/dataset_converters/synthesize_avsbench.py',
        'make a synthetic AVSBench, in which sound decides',
    ),
    'data compose': Command(
        'tools/dataset_converters/compose_clips.py',
        'compose an AVSBench of photographs and recordings',
    ),
    'data prepare': Command(
        'tools/dataset_converters/prepare_avsbench.py',
        "make AVSBench's frames and wav files from raw videos",
    ),
    'data clips': Command(
        'tools/dataset_converters/prepare_clips.py',
        'make clips from a folder of your own videos',
    ),
    'data check': Command(
        'tools/analysis_tools/check_dataset.py',
        "read every clip of a config's data, and name what is wrong",
    ),
    'score': Command(
        'tools/analysis_tools/evaluate_dump.py',
        'score predictions on disk, under any protocol',
    ),
    'convert': Command(
        'tools/model_converters/convert_released.py',
        'turn a checkpoint that another code base released into one of mmavs',
    ),
    'export': Command(
        'tools/deployment/export.py',
        'export a model: ONNX, torch.export, AOTInductor',
    ),
    'benchmark': Command(
        'tools/analysis_tools/benchmark.py', 'measure seconds and memory'
    ),
}


def start_as(command: str) -> None:
    """Say that this process runs a script for ``mmavs COMMAND``."""
    global _started
    _started = command


def program() -> str:
    """Name what the user started: ``mmavs COMMAND``, or a script."""
    return f'mmavs {_started}' if _started else Path(sys.argv[0]).name


def in_commands(text: str) -> str:
    """Name commands in place of scripts, for a user of ``mmavs``.

    Args:
        text (str): With names such as ``python tools/train.py``.

    Returns:
        str: With ``mmavs train``; of a script without a command the whole
        path. What was started as a script is told of scripts.
    """
    if not _started:
        return text
    # the Makefile is in the source tree alone
    return _SCRIPT.sub(_command_of, _MAKE.sub('', text))


def _command_of(found: re.Match) -> str:
    from mmavs.model_index import resource_root

    for name, command in COMMANDS.items():
        if command.script == found[1]:
            return f'mmavs {name}'
    return f'python {resource_root() / found[1]}'

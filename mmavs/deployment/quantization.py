"""Weights and maps of 8 bits, in an ONNX file."""

import hashlib
import json
from pathlib import Path
from typing import Dict, Iterator, List

import numpy as np
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from torch import nn

from mmavs.apis.inference import config_of
from mmavs.engine.run_config import loader_of
from mmavs.files.whole_files import whole_file, write_text
from mmavs.registry import DATASETS

from .checking import in_graph
from .exporting import sidecar_of

_OPERATORS = ('Conv', 'Gemm', 'MatMul')


def quantize(
    model: nn.Module, path: Path, facts: dict, *, num_clips: int
) -> Path:
    """Write an 8-bit file beside an exported one.

    Convolutions and matrix products take and hold 8-bit numbers, by scales
    that are measured on clips of the validation set (weights per channel);
    all else stays float32.

    Args:
        model (nn.Module): That was exported.
        path (Path): The ONNX file.
        facts (dict): Its description.
        num_clips (int): Clips that are measured.

    Returns:
        Path: ``NAME_int8.onnx``, with its own description beside it.

    Raises:
        ImportError: onnx or onnxruntime is absent.
        ValueError: The front end is in the graph, for which the data set's
            log-mels cannot stand.
    """
    if in_graph(facts):
        raise ValueError(
            'int8 is calibrated on the log-mels of the data set, and the '
            'exported model takes waveforms. Fix: leave --log-mel out.'
        )
    from onnxruntime.quantization import (
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    small = path.with_name(f'{path.stem}_int8.onnx')
    with whole_file(small) as partial:
        ready = partial.with_name(f'{partial.name}.ready')
        try:
            quant_pre_process(str(path), str(ready), skip_symbolic_shape=True)
            quantize_static(
                str(ready),
                str(partial),
                _Clips(calibration_clips(model, facts, num_clips)),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_OPERATORS),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        finally:
            ready.unlink(missing_ok=True)
        digest = hashlib.sha256(partial.read_bytes()).hexdigest()
    facts = dict(facts, sha256=digest, int8=num_clips)
    write_text(sidecar_of(small), json.dumps(facts, indent=1) + '\n')
    return small


def calibration_clips(
    model: nn.Module, facts: dict, num_clips: int
) -> List[Dict[str, np.ndarray]]:
    """Read the first clips of a model's validation set, as its inputs."""
    config = config_of(model)
    with DefaultScope.overwrite_default_scope('mmavs'):
        dataset = DATASETS.build(loader_of(config, 'val').dataset)
    clips = []
    for index in range(min(num_clips, len(dataset))):
        batch = model.data_preprocessor(pseudo_collate([dataset[index]]))
        clips.append(
            {name: batch['inputs'][name].numpy() for name in facts['inputs']}
        )
    return clips


class _Clips:
    """Clips as ONNX Runtime's calibration asks for them."""

    def __init__(self, clips: List[Dict[str, np.ndarray]]) -> None:
        self._clips: Iterator = iter(clips)

    def get_next(self):
        """The next clip, or None."""
        return next(self._clips, None)

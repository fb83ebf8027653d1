"""A segmentor whose network is an exported file, to be tested as any other."""

from functools import partial
from typing import Dict, Optional

import torch
from torch import Tensor, nn

from mmavs.models.layers.avsc import Instances
from mmavs.structures import AVFeatures, AVHeadOutput

from .onnx_model import OnnxModel


def run_by_onnx(model: nn.Module, exported: OnnxModel) -> nn.Module:
    """Let an exported model compute what a segmentor's network computes.

    What stands around the network (data preprocessor, resizing, decisions)
    stays PyTorch's, so that the scores of both can be compared.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`; its weights
            are not used.
        exported (OnnxModel): Of the same config.

    Returns:
        nn.Module: The model, changed.

    Raises:
        ValueError: The two give different things; the front end is in the
            exported graph; while it runs, clips of another length.
    """
    facts, head = exported.facts, model.decode_head
    instances = getattr(head, 'finds_instances', False)
    same = ('masks' in facts['outputs']) == instances
    if not same or facts['binary'] != (model.out_channels == 1):
        raise ValueError(
            f'{exported.path} was exported from another model, '
            f'{facts["model"]}. Fix: give the config of that.'
        )
    if facts['front_end'] and facts['front_end']['in_graph']:
        raise ValueError(
            f'{exported.path} takes waveforms, and the data set gives '
            'log-mels. Fix: export it without --log-mel.'
        )
    model.encode_decode = partial(_encode_decode, exported)
    return model


def _encode_decode(
    exported: OnnxModel, inputs: Dict[str, Tensor], data_samples=None
) -> AVHeadOutput:
    """As :meth:`AVSegmentor.encode_decode`."""
    if inputs.get('valid_frames') is not None:
        raise ValueError(
            'a clip is shorter than those that the exported model takes. '
            'Fix: test the PyTorch model on this data set.'
        )
    arrays = {name: inputs[name].numpy() for name in exported.facts['inputs']}
    found = {
        name: torch.from_numpy(value).flatten(0, 1)
        for name, value in exported.run(**arrays).items()
    }
    extras: Dict[str, object] = {}
    if 'masks' in found:
        extras['instances'] = Instances(
            *(found[name] for name in ('labels', 'scores', 'masks', 'valid'))
        )
        extras['sounding'] = found['sounding']
    features: Optional[AVFeatures] = None
    return AVHeadOutput(found['logits'], features, extras)

"""What a runtime must know of an exported model: a JSON file beside it."""

from typing import List, Optional, Tuple

from torch import nn

import mmavs
from mmavs.apis.clip_pipeline import ClipPipeline
from mmavs.apis.inference import can_hear, config_of
from mmavs.apis.results import ResultReader
from mmavs.audio.log_mel import EXAMPLE_HOP, EXAMPLE_LENGTH, SAMPLE_RATE
from mmavs.datasets.transforms import AudioSegments, VGGishLogMel
from mmavs.datasets.transforms.audio import AudioFrontEnd
from mmavs.models.audio_encoders.front_ends import VGGishLogMelFrontEnd

from .onnx_model import FORMAT


def describe(
    model: nn.Module, *, clip_frames: int, size: Tuple[int, int]
) -> dict:
    """Describe a model for those who run it without its config.

    Args:
        model (nn.Module): From :func:`~mmavs.apis.init_model`.
        clip_frames (int): T.
        size (tuple[int, int]): Height and width of the frames, padded.

    Returns:
        dict: What can be written as JSON. ``frames`` and ``front_end`` say
        how the network's inputs are made of pictures and sound; whatever of
        it a runtime without torch cannot do stands under ``unsupported``.
    """
    pipeline = ClipPipeline(config_of(model))
    reader = ResultReader(model)
    head, prepare = model.decode_head, model.data_preprocessor
    frames, others = _frames(pipeline)
    front_end = _front_end(model, pipeline) if can_hear(model) else None
    if front_end is not None and front_end['kind'] != 'log_mel':
        others.append(f'the front end {front_end["kind"]}')
    avsc = getattr(head, 'avsc', None)
    return dict(
        format=FORMAT,
        mmavs=mmavs.__version__,
        model=str(model.cfg.filename or type(model).__name__),
        clip_frames=clip_frames,
        size=list(size),
        frames=dict(
            frames,
            mean=prepare.mean.flatten().tolist(),
            std=prepare.std.flatten().tolist(),
            order='RGB' if prepare.bgr_to_rgb else 'BGR',
            size_divisor=prepare.size_divisor,
        ),
        front_end=front_end,
        binary=reader.binary,
        threshold=model.threshold,
        align_corners=bool(model.align_corners),
        classes=list(reader.classes),
        categories=list(reader.categories),
        palette=[[int(c) for c in colour] for colour in reader.palette],
        overlap=None if avsc is None else avsc.overlap,
        unsupported=others,
    )


def _frames(pipeline: ClipPipeline) -> Tuple[dict, List[str]]:
    """How a picture becomes a frame, and the transforms that are not known."""
    known, others = dict(resize=None), []
    for transform in pipeline.frame_transforms:
        plain = type(transform).__name__ == 'Resize' and transform.scale
        if plain and not transform.keep_ratio and known['resize'] is None:
            width, height = transform.scale
            known['resize'] = dict(
                size=[height, width],
                backend=transform.backend,
                interpolation=transform.interpolation,
            )
        else:
            others.append(f'the transform {type(transform).__name__}')
    return known, others


def _front_end(model: nn.Module, pipeline: ClipPipeline) -> dict:
    """How sound becomes the network's input."""
    transforms = [
        transform
        for transform in pipeline.clip_transforms
        if isinstance(transform, AudioFrontEnd)
    ]
    transform: Optional[AudioFrontEnd] = transforms[0] if transforms else None
    on_device = model.data_preprocessor.audio_front_end
    found = dict(
        kind=type(transform or on_device).__name__,
        sample_rate=pipeline.sample_rate,
        channels=pipeline.channels,
        in_graph=False,
    )
    if isinstance(transform, VGGishLogMel):
        hop = round(transform.hop * SAMPLE_RATE)
        return dict(found, kind='log_mel', hop=hop, length=EXAMPLE_LENGTH)
    as_log_mel = (
        isinstance(on_device, VGGishLogMelFrontEnd)
        and isinstance(transform, AudioSegments)
        and (transform.length, transform.hop) == (EXAMPLE_LENGTH, EXAMPLE_HOP)
    )
    if as_log_mel:
        found.update(kind='log_mel', hop=EXAMPLE_HOP, length=EXAMPLE_LENGTH)
    elif on_device is not None:
        found['kind'] = type(on_device).__name__
    return found

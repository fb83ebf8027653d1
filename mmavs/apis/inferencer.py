"""Anyone's video through a model."""

import time
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Optional, Union

import torch
from mmengine.config import Config
from torch import nn

import mmavs
from mmavs.engine.run_config import padded_frames
from mmavs.media.in_memory import Picture, Sound
from mmavs.media.sources import Media, find_media
from mmavs.model_index import files_of, released
from mmavs.models.folding import tune_for_inference
from mmavs.models.precision import check_precision
from mmavs.registry import INFERENCERS

from .inference import config_of
from .models import init_model
from .outputs import Outputs
from .run import Run
from .seconds import Second, seconds_of
from .segmenter import TorchClips
from .streaming import StreamSegmenter

DEFAULT_CLIP_FRAMES = 5  # of S4 and MS3
_Path = Union[str, Path]
_Video = Union[_Path, Iterable[Picture], Media]


@INFERENCERS.register_module()
class AVSInferencer:
    """Segments what sounds in a video, a folder or a clip.

    Any length, frame rate, size and orientation. Pictures are read twice (for
    the model, and to paint on), one at a time, and sound by the second: the
    memory needed does not grow with the video. :mod:`mmavs.apis.timing` says
    which picture and which sound make which mask.

    Args:
        model (str or Path or Config or nn.Module): Name or config of a model,
            or one from :func:`~mmavs.apis.init_model`, which is set to
            predict at the pictures' size and to keep coarse logits. One that
            is built here goes through
            :func:`~mmavs.models.folding.tune_for_inference`: to train, or to
            save its weights, build it by :func:`init_model`.
        weights (str or Path, optional): Checkpoint, or ``'random'``. Defaults
            to the released ones of a named model.
        device (str or torch.device, optional): See :func:`init_model`; a
            model that is built already stays where it is.
        fps (int): Masks per second. Defaults to 1, as trained.
        clip_frames (int, optional): T, frames that go through the model as
            one clip. Defaults to what the config pads to (10 for
            AVSBench-semantic), else 5.
        batch_size (int): Clips at a time; more than ``fps`` is of no use.
        max_size (int): Masks are predicted with at most this many pixels on
            the longer side, and enlarged beyond.
        cfg_options (dict, optional): Fields of the config to override.
        carry_memory (bool, optional): A clip looks back at those before it in
            the video (AuralSAM2, of which published numbers are of single
            clips). Defaults to ``test_cfg.carry_memory`` of the model, else
            to False.
        precision (str, optional): In which the network computes, 'fp32',
            'bf16' or 'fp16'. Defaults to the model's, fp32 unless its config
            says otherwise.

    Raises:
        FileNotFoundError: A config or checkpoint is absent.
        TypeError: The model is of another kind.
        ValueError: No weights were given and none are published, a number is
            out of range, or the model has no memory to carry.
        RuntimeError: The checkpoint is of another model or unsafe to read.
    """

    def __init__(
        self,
        model: Union[_Path, Config, nn.Module],
        weights: Optional[_Path] = None,
        device: Optional[Union[str, torch.device]] = None,
        fps: int = 1,
        clip_frames: Optional[int] = None,
        batch_size: int = 1,
        max_size: int = 1280,
        cfg_options: Optional[dict] = None,
        carry_memory: Optional[bool] = None,
        precision: Optional[str] = None,
    ) -> None:
        fps, batch_size = _whole('fps', fps), _whole('batch_size', batch_size)
        max_size = _whole('max_size', max_size)
        if precision is not None:
            check_precision(precision)
        if clip_frames is not None:
            clip_frames = _whole('clip_frames', clip_frames)
        self.weights = None if weights is None else str(weights)
        if not isinstance(model, nn.Module):
            if weights is None and isinstance(model, (str, Path, Config)):
                self.weights = published_weights(model)
            model = init_model(model, weights, device, cfg_options)
            tune_for_inference(model)
        elif weights is not None or cfg_options or device is not None:
            raise ValueError(
                'a model that is built already has its weights, device '
                'and options. Fix: give them to init_model.'
            )
        config = config_of(model)
        model.test_cfg = dict(
            model.test_cfg or {}, eval_size='original', keep_logits='coarse'
        )
        if precision is not None:
            model.precision = precision
        self.model, self.fps = model.eval(), fps
        if clip_frames is None:
            clip_frames = padded_frames(config) or DEFAULT_CLIP_FRAMES
        self.clip_frames = clip_frames
        if carry_memory is None:
            carry_memory = model.test_cfg.get('carry_memory', False)
        self.carry_memory = carry_memory
        self.segmenter = StreamSegmenter(
            TorchClips(model, fps, batch_size, carry_memory),
            fps,
            clip_frames,
            batch_size,
            max_size,
        )

    def stream(
        self, video: _Video, audio: Optional[Sound] = None
    ) -> Iterator[Second]:
        """Segment second by second, as the video goes.

        A second comes once the clip that it belongs to is complete, T seconds
        later at most.

        Args:
            video (str or Path or Iterable): See :meth:`__call__`.
            audio (str or Path or tuple, optional): See :meth:`__call__`.

        Returns:
            Iterator[Second]: With ``start``, ``masks`` and ``instances``.

        Raises:
            FileNotFoundError, TypeError, ValueError: See :meth:`__call__`;
                what is damaged is said when it is reached.

        Example:
            >>> for second in inferencer.stream('video.mp4'):
            ...     for found in second.instances:
            ...         print(second.start, found.name, found.box)
        """
        media = find_media(video, audio)
        masks = self.segmenter.masks(media)
        return seconds_of(masks, self.fps, media.pictures.size)

    def __call__(
        self,
        video: _Video,
        audio: Optional[Sound] = None,
        out_video: Optional[_Path] = None,
        out_dir: Optional[_Path] = None,
        out_json: Optional[_Path] = None,
        out_alpha: Optional[_Path] = None,
        opacity: float = 0.6,
        overwrite: bool = False,
        progress: Union[bool, Callable[[float], None]] = True,
        return_seconds: bool = False,
    ) -> dict:
        """Segment a video and write what is asked for.

        Args:
            video (str or Path or Iterable): A video file; a folder with one
                picture per second (or with a folder ``frames`` in it); the
                pictures of one video, one per second, as
                :func:`inference_model` takes them; or a generator of pairs
                ``(picture, (waveform, sample_rate))`` with the sound that is
                heard while the picture is on screen, such as
                :func:`~mmavs.media.camera.camera`.
            audio (str or Path or tuple, optional): Sound file,
                ``(waveform, sample_rate)``, ``'mute'`` or ``'noise'``; by
                default the video's own sound, or the one wav file in the
                folder.
            out_video (str or Path, optional): mp4 with the masks painted over
                the pictures, and the sound. It shows at least 6 masks per
                second, see :class:`~mmavs.apis.shown.FittedMasks`.
            out_dir (str or Path, optional): Folder for one PNG a mask,
                ``000000.png`` and so on, at the pictures' size: 0 or 255 of a
                binary model, else class indices; of a model with instances
                also ``000000_instances.png``, 1 + category.
            out_json (str or Path, optional): File for the summary.
            out_alpha (str or Path, optional): What sounds, for a video
                editor: a mov file (ProRes 4444) or webm file (VP9) with the
                rest transparent, or an mp4 file that is white where it sounds.
            opacity (float): Of the paint, 0..1.
            overwrite (bool): Replace outputs that exist, and clear the folder
                of what an earlier run wrote there.
            progress (bool or callable): Show a progress bar, or be told which
                second is done.
            return_seconds (bool): Give ``seconds`` in the summary, but not in
                the file: what :meth:`stream` yields.

        Returns:
            dict: The summary: what ran; ``missing``, what a file that is cut
            off states and does not hold, as ``what`` ('pictures' or
            'sound'), ``start`` and ``end`` in seconds; and for every mask its
            stretch of time and the objects in it with the fields of
            :class:`~mmavs.apis.seconds.Instance`, and their share of the
            picture.

        Raises:
            FileNotFoundError: An input is absent.
            FileExistsError: An output exists and ``overwrite`` is False; the
                folder holds files of other origin; or an output is an input.
            OSError: An output cannot be written.
            TypeError: Something that is neither pictures nor sound.
            ValueError: An opacity out of range, no sound track, no pictures,
                too little sound, or a damaged file.
            RuntimeError: PyAV has no encoder for a video.
        """
        if not 0 <= opacity <= 1:
            raise ValueError(f'opacity must be in 0..1, got {opacity}')
        outputs = Outputs(
            video=out_video,
            alpha=out_alpha,
            folder=out_dir,
            summary=out_json,
            overwrite=overwrite,
        )
        media = find_media(video, audio)
        outputs.check(media)
        started = time.perf_counter()
        run = Run(self.segmenter, media, outputs, return_seconds)
        run.go(opacity, progress)
        summary = dict(
            self._describe(media),
            overlay=None if out_video is None else str(out_video),
            alpha=None if out_alpha is None else str(out_alpha),
            mask_dir=None if out_dir is None else str(out_dir),
            seconds_taken=round(time.perf_counter() - started, 2),
            missing=run.missing,
            masks=run.rows,
        )
        outputs.write_summary(summary)
        return (
            dict(summary, seconds=run.seconds) if return_seconds else summary
        )

    def _describe(self, media: Media) -> dict:
        """Say what ran on what."""
        height, width = media.pictures.size
        reader = self.segmenter.reader
        return dict(
            video=media.source,
            sound=media.sound and str(media.sound),
            width=width,
            height=height,
            mmavs=mmavs.__version__,
            model=str(self.model.cfg.filename or type(self.model).__name__),
            weights=self.weights,
            device=str(next(self.model.parameters()).device),
            classes=list(reader.categories or reader.classes),
            fps=self.fps,
            clip_frames=self.clip_frames,
            carry_memory=self.carry_memory,
            precision=getattr(self.model, 'precision', 'fp32'),
        )


def published_weights(model: Union[_Path, Config]) -> str:
    """Look up the addresses of the released weights of a named model.

    Raises:
        ValueError: There are none.
    """
    weights = released(model)
    if weights is None:
        name = model.filename if isinstance(model, Config) else model
        raise ValueError(
            f'no weights were given for {name}, and none are published. '
            'Fix: give the checkpoint that tools/train.py wrote '
            "(work_dirs/<config>/best_*.pth), 'random', or a model of "
            'mmavs weights.'
        )
    return ' and '.join(file['Address'] for file in files_of(weights))


def _whole(name: str, value: Any) -> int:
    """Give a whole number of at least 1.

    Raises:
        ValueError: It is another number, or none.
    """
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        whole = 0
    if whole < 1 or whole != value:
        raise ValueError(
            f'{name} must be a whole number of at least 1, got {value!r}'
        )
    return whole

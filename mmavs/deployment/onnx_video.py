"""Anyone's video through an exported model; torch is not needed."""

import time
from pathlib import Path
from typing import Callable, Iterator, Optional, Union

import mmavs
from mmavs.apis.outputs import Outputs
from mmavs.apis.run import Run
from mmavs.apis.seconds import Second, seconds_of
from mmavs.apis.streaming import StreamSegmenter
from mmavs.media.sources import Media, find_media

from .onnx_clips import OnnxClips
from .onnx_model import OnnxModel

_Path = Union[str, Path]


class OnnxInferencer:
    """Segments what sounds in a video, as AVSInferencer does.

    Args:
        model (str or Path or OnnxModel): The file, with its description.
        fps (int): Masks per second. Defaults to 1, as trained.
        batch_size (int): Clips at a time; more than ``fps`` is of no use.
        max_size (int): Masks are predicted with at most this many pixels on
            the longer side, and enlarged beyond.
        threads (int, optional): Of ONNX Runtime.

    Raises:
        FileNotFoundError, ImportError, ValueError: See :class:`OnnxModel` and
            :class:`OnnxClips`.
    """

    def __init__(
        self,
        model: Union[_Path, OnnxModel],
        *,
        fps: int = 1,
        batch_size: int = 1,
        max_size: int = 1280,
        threads: Optional[int] = None,
    ) -> None:
        for name, value in (
            *(('fps', fps), ('batch_size', batch_size)),
            ('max_size', max_size),
        ):
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        if not isinstance(model, OnnxModel):
            model = OnnxModel(model, threads)
        self.model, self.fps = model, fps
        self.segmenter = StreamSegmenter(
            OnnxClips(model),
            fps,
            model.facts['clip_frames'],
            batch_size,
            max_size,
        )

    def stream(
        self, video: Union[_Path, Media], audio: Optional[str] = None
    ) -> Iterator[Second]:
        """Segment second by second, as the video goes."""
        media = find_media(video, audio)
        masks = self.segmenter.masks(media)
        return seconds_of(masks, self.fps, media.pictures.size)

    def __call__(
        self,
        video: Union[_Path, Media],
        audio: Optional[str] = None,
        *,
        outputs: Optional[Outputs] = None,
        opacity: float = 0.6,
        progress: Union[bool, Callable[[float], None]] = True,
    ) -> dict:
        """Segment a video and write what is asked for.

        Args:
            video (str or Path or Media): A video file, or a folder with one
                picture per second.
            audio (str, optional): Sound file, or ``'mute'``; by default the
                video's own sound.
            outputs (Outputs, optional): What is written.
            opacity (float): Of the paint, 0..1.
            progress (bool or callable): Show a bar where rich is installed,
                or be told which second is done.

        Returns:
            dict: The summary, as AVSInferencer gives it.
        """
        outputs = outputs or Outputs()
        media = find_media(video, audio)
        outputs.check(media)
        started = time.perf_counter()
        run = Run(self.segmenter, media, outputs, False)
        run.go(opacity, progress)
        height, width = media.pictures.size
        facts, reader = self.model.facts, self.segmenter.reader
        summary = dict(
            video=media.source,
            sound=media.sound and str(media.sound),
            width=width,
            height=height,
            mmavs=mmavs.__version__,
            model=facts['model'],
            weights=str(self.model.path),
            device='cpu',
            classes=list(reader.categories or reader.classes),
            fps=self.fps,
            clip_frames=facts['clip_frames'],
            overlay=outputs.video and str(outputs.video),
            alpha=outputs.alpha and str(outputs.alpha),
            mask_dir=outputs.folder and str(outputs.folder.path),
            seconds_taken=round(time.perf_counter() - started, 2),
            missing=run.missing,
            masks=run.rows,
        )
        outputs.write_summary(summary)
        return summary

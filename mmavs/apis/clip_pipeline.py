"""A config's test pipeline, for pictures and sound from anywhere."""

from typing import List, Optional, Sequence, Tuple

from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmavs.datasets.transforms import LoadAudio
from mmavs.engine.run_config import innermost_datasets
from mmavs.media.in_memory import (
    Picture,
    Sound,
    check_sound,
    is_path,
    to_bgr,
)
from mmavs.registry import TRANSFORMS

_MASK_LOADERS = ('LoadFrameMask', 'LoadAnnotations')
_FRAME_LOADERS = ('LoadFrame', 'LoadImageFromFile')


class ClipPipeline:
    """The transforms that a model is tested with, without ground truth.

    Frame transforms (those inside ``ForEachFrame``) run as soon as a picture
    is there, so that long videos need not be kept at full size; clip
    transforms run when the clip is complete.

    Args:
        config (Config): With a ``test_dataloader`` or a ``test_pipeline``.

    Attributes:
        sample_rate (int): Of the sound that the pipeline works on, in Hz.
        channels (int): Of that sound: 1, or 2 for left and right.

    Raises:
        ValueError: The config has no test pipeline, or one that reads
            released log-mel files, which other clips do not have.
    """

    def __init__(self, config: Config) -> None:
        self.loaders, self.frame_transforms, self.clip_transforms = [], [], []
        scope = config.get('default_scope') or 'mmavs'
        with DefaultScope.overwrite_default_scope(scope):
            for step in _test_pipeline(config):
                self._add(step)
        loaders = [t for t in self.clip_transforms if isinstance(t, LoadAudio)]
        self.sample_rate = loaders[0].sample_rate if loaders else 16000
        self.channels = loaders[0].channels if loaders else 1

    def _add(self, step: dict) -> None:
        if step['type'] == 'LoadReleasedLogMel':
            raise ValueError(
                'the test pipeline reads released log-mel files '
                '(LoadReleasedLogMel), which no other clip has. Fix: use '
                'LoadAudio and VGGishLogMel, which give the same log-mels.'
            )
        if step['type'] != 'ForEachFrame':
            self.clip_transforms.append(TRANSFORMS.build(step))
            return
        for inner in step['transforms']:
            if inner['type'] in _FRAME_LOADERS:
                self.loaders.append(TRANSFORMS.build(inner))
            elif inner['type'] not in _MASK_LOADERS:
                self.frame_transforms.append(TRANSFORMS.build(inner))

    def prepare(
        self,
        picture: Picture,
        frame_id: int = 0,
        ori_shape: Optional[Tuple[int, int]] = None,
    ) -> dict:
        """Run the frame transforms.

        Args:
            picture (str or Path or ndarray or Tensor or Image): A file, or
                what :func:`~mmavs.media.in_memory.to_bgr` takes.
            frame_id (int): Its place in the clip.
            ori_shape (tuple[int, int], optional): Height and width at which
                the mask is wanted. Defaults to the picture's own.

        Returns:
            dict: The frame's results dict.

        Raises:
            FileNotFoundError: There is no such file.
            TypeError, ValueError: It is damaged or not a picture.
        """
        frame = dict(
            frame_id=frame_id,
            img_path=None,
            seg_map_path=None,
            seg_fields=[],
            label_map=None,
            reduce_zero_label=False,
        )
        if not is_path(picture):
            picture = to_bgr(picture, f'picture {frame_id} of the clip')
            frame.update(img=picture, img_shape=picture.shape[:2])
            frame['ori_shape'] = picture.shape[:2]
        else:
            frame['img_path'] = str(picture)
            for loader in self.loaders:
                frame = loader(frame)
        if ori_shape is not None:
            frame['ori_shape'] = ori_shape
        for transform in self.frame_transforms:
            frame = transform(frame)
        return frame

    def pack(
        self,
        frames: Sequence[dict],
        sound: Optional[Sound],
        clip_id: str = 'clip',
    ) -> dict:
        """Run the clip transforms.

        Args:
            frames (Sequence[dict]): T frames from :meth:`prepare`.
            sound (str or Path or tuple): A wav file, or a waveform (S,) or
                (channels, S) in [-1, 1] and its sample rate in Hz; None for a
                model that cannot hear.
            clip_id (str): Its name, for messages.

        Returns:
            dict: ``inputs`` and ``data_samples`` of one clip.

        Raises:
            TypeError, ValueError: See
                :func:`~mmavs.media.in_memory.check_sound`.
        """
        results = dict(
            clip_id=clip_id,
            frames=list(frames),
            num_frames=len(frames),
            labeled_frames=[],
        )
        name = f'the sound of {clip_id}'
        sound = None if sound is None else check_sound(sound, name)
        if isinstance(sound, str):
            results['audio_path'] = sound
        elif sound is not None:
            results['waveform'], results['sample_rate'] = sound
            results['audio_path'] = name
        for transform in self.clip_transforms:
            results = transform(results)
        return results


def _test_pipeline(config: Config) -> List[dict]:
    loader = config.get('test_dataloader')
    if loader:
        return innermost_datasets(loader['dataset'])[0]['pipeline']
    if config.get('test_pipeline'):
        return config['test_pipeline']
    raise ValueError(
        'the config has neither a test_dataloader nor a test_pipeline, which '
        'say how pictures and sound are prepared'
    )

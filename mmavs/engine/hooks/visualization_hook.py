"""Pictures during validation and testing."""

from typing import Optional, Sequence

import numpy as np
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmavs.files.names import flat_name
from mmavs.files.output_folder import OutputFolder
from mmavs.media.picture_files import read_picture
from mmavs.registry import HOOKS
from mmavs.structures import AVSDataSample


@HOOKS.register_module()
class AVSVisualizationHook(Hook):
    """Draws clips with ground truth, prediction and sound.

    Pictures are named by clip and frames. After a test with ``out_dir``, they
    are renamed so that the worst clips come first:
    ``0001_J12.3_<clip>_frames0-4.png``. Every rank draws its own clips there.
    Of clips that are tested in several views (test-time augmentation), the
    sound is that of the first, plain one.

    Args:
        draw (bool): Whether to draw at all.
        interval (int): Draw every n-th clip in validation and test.
        out_dir (str, optional): Folder for test pictures; None hands them to
            the visualizer's backends.
    """

    def __init__(
        self,
        draw: bool = False,
        interval: int = 50,
        out_dir: Optional[str] = None,
    ) -> None:
        if interval < 1:
            raise ValueError(f'interval must be positive, got {interval}')
        self.draw = draw
        self.interval = interval
        self.out_dir = out_dir
        self._drawn = {}
        self._seen = 0

    def before_val_epoch(self, runner: Runner) -> None:
        self._seen = 0

    def before_test_epoch(self, runner: Runner) -> None:
        self._seen, self._drawn = 0, {}

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict,
        outputs: Sequence[AVSDataSample],
    ) -> None:
        self._draw_batch(runner, data_batch, outputs, 'val')

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict,
        outputs: Sequence[AVSDataSample],
    ) -> None:
        self._draw_batch(runner, data_batch, outputs, 'test')

    def after_test_epoch(self, runner: Runner, metrics: dict = None) -> None:
        """Put the worst clips first, by renaming."""
        if not (self.draw and self.out_dir):
            return
        drawn = {}
        for part in all_gather_object(self._drawn):
            drawn.update(part)
        scores = _clip_scores(runner)
        if not (drawn and scores and is_main_process()):
            return
        order = sorted(drawn, key=lambda clip: scores.get(clip, 101.0))
        folder = OutputFolder(self.out_dir)
        for place, clip in enumerate(order, 1):
            path = drawn[clip]
            score = scores.get(clip)
            score = 'J_unknown' if score is None else f'J{score:05.1f}'
            path.rename(folder.file(f'{place:04d}_{score}_{path.name}'))
        runner.logger.info(
            f'{len(order)} pictures in {self.out_dir}, worst clips first'
        )

    def _draw_batch(
        self,
        runner: Runner,
        data_batch: dict,
        outputs: Sequence[AVSDataSample],
        mode: str,
    ) -> None:
        if not (self.draw and (self.out_dir or is_main_process())):
            return
        inputs = data_batch['inputs']
        if isinstance(inputs, (list, tuple)):  # views, the plain one first
            inputs = inputs[0]
        audio = inputs.get('audio')
        for index, sample in enumerate(outputs):
            self._seen += 1
            if (self._seen - 1) % self.interval:
                continue
            log_mel = None if audio is None else as_log_mel(audio[index])
            self._draw_clip(runner, sample, log_mel, mode)

    def _draw_clip(
        self,
        runner: Runner,
        sample: AVSDataSample,
        log_mel: Optional[np.ndarray],
        mode: str,
    ) -> None:
        images = [read_picture(p)[..., ::-1] for p in sample.img_path]
        name = f'{flat_name(sample.clip_id)}_frames0-{sample.num_frames - 1}'
        out_file = None
        if self.out_dir and mode == 'test':
            out_file = OutputFolder(self.out_dir).file(f'{name}.png')
            self._drawn[sample.clip_id] = out_file
        runner.visualizer.add_clip(
            f'{mode}_{name}',
            images,
            sample,
            log_mel=log_mel,
            title=f'{sample.clip_id}',
            out_file=out_file,
            # runner.iter would build the training loop, and read its data
            step=runner.message_hub.get_info('iter', 0),
        )


def as_log_mel(audio) -> Optional[np.ndarray]:
    """Take (T, 1, frames, bands) model input as (T, frames, bands).

    Other inputs (waveforms, tokens) have no log-mel to show: None.
    """
    if audio.ndim != 4 or audio.shape[1] != 1:
        return None
    return audio[:, 0].float().cpu().numpy()


def _clip_scores(runner: Runner) -> dict:
    """Each clip's J from the first metric that keeps it per clip."""
    for metric in runner.test_evaluator.metrics:
        rows = getattr(metric, 'per_clip', None)
        if rows:
            return {row['clip_id']: row['J'] for row in rows}
    return {}

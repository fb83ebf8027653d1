"""mmengine's CheckpointHook, where it would fail or lose a file."""

from typing import Any, Dict, List, Optional

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as _CheckpointHook

from mmavs.files.whole_files import remove_remains
from mmavs.registry import HOOKS


@HOOKS.register_module()
class CheckpointHook(_CheckpointHook):
    """mmengine's hook of this name, which it takes the place of in mmavs.

    The arguments are mmengine's. What differs:

    - a metric of ``save_best`` that no validation gives is refused before
      training where the metrics say what they give, and after the first
      validation otherwise;
    - a validation without training gives its figures, and saves nothing;
    - the best checkpoint so far goes after its successor is written, so that
      one of them is there whenever the process is stopped;
    - what a stopped process left of a checkpoint is removed;
    - a checkpoint goes on after the epoch that it is named after: mmengine
      writes it again once a validation was the best, and its FlexibleRunner
      then notes the epoch after that.
    """

    _training = False
    _step: Optional[int] = None  # epoch or iteration that is being saved

    def before_train(self, runner) -> None:
        """Look for mistakes and remains, then prepare as mmengine does."""
        self._refuse_unknown(_names_given(runner), 'the config')
        super().before_train(runner)
        self._training = True
        if is_main_process():
            remove_remains(self.out_dir, '*.pth')
            remove_remains(runner.work_dir, 'last_checkpoint')

    def after_train(self, runner) -> None:
        """See mmengine."""
        super().after_train(runner)
        self._training = False

    def after_val_epoch(self, runner, metrics: Dict[str, Any]) -> None:
        """Keep the best, in a training."""
        if not self._training:
            return
        if metrics:
            self._refuse_unknown(list(metrics), 'the validation', exact=True)
        super().after_val_epoch(runner, metrics)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Note the epoch, or the iteration, that the file is named after."""
        if self._step is not None:
            name = 'epoch' if self.by_epoch else 'iter'
            checkpoint['meta'][name] = self._step

    def _save_checkpoint_with_step(self, runner, step: int, meta) -> None:
        """See mmengine."""
        self._step = step
        try:
            super()._save_checkpoint_with_step(runner, step, meta)
        finally:
            self._step = None

    def _save_best_checkpoint(self, runner, metrics: Dict[str, Any]) -> None:
        """Save the new best, then remove the one before."""
        if not self.save_best:
            return
        before = self._best()
        self._set_best(dict.fromkeys(before))  # mmengine finds none to remove
        super()._save_best_checkpoint(runner, metrics)
        after = {k: path or before[k] for k, path in self._best().items()}
        self._set_best(after)
        if is_main_process():
            for path in set(before.values()) - {None, *after.values()}:
                if self.file_backend.isfile(path):
                    self.file_backend.remove(path)

    def _best(self) -> Dict[Optional[str], Optional[str]]:
        """Paths by metric; mmengine has another attribute for one alone."""
        if hasattr(self, 'best_ckpt_path'):
            return {None: self.best_ckpt_path}
        return dict(self.best_ckpt_path_dict)

    def _set_best(self, paths: Dict[Optional[str], Optional[str]]) -> None:
        if hasattr(self, 'best_ckpt_path'):
            self.best_ckpt_path = paths[None]
        else:
            self.best_ckpt_path_dict = paths

    def _refuse_unknown(
        self, names: Optional[List[str]], source: str, exact: bool = False
    ) -> None:
        """Raise ValueError if a metric of save_best is not among the names.

        Unless ``exact``, a name may go on with the name of a group of clips,
        as in ``mIoU_switching``: which groups there are, the data tells.
        """
        wanted = [k for k in self.save_best or () if k != 'auto']
        for key in wanted if names else ():
            known = key in names or (
                not exact and any(key.startswith(f'{n}_') for n in names)
            )
            if not known:
                raise ValueError(
                    f'save_best={key!r}, but the metrics of {source} give '
                    f'{", ".join(names)}. Fix: choose one of them with '
                    'default_hooks.checkpoint.save_best=...'
                )


def _names_given(runner) -> Optional[List[str]]:
    """Names of the figures of a validation, None if a metric does not say."""
    if runner.val_loop is None:
        return None
    names: List[str] = []
    for metric in runner.val_loop.evaluator.metrics:
        given = getattr(metric, 'figures', None)
        if given is None:
            return None
        start = f'{metric.prefix}/' if metric.prefix else ''
        names += [start + name for name in given]
    return names

"""No more classes in the head than in its data."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmavs.registry import HOOKS


@HOOKS.register_module()
class ClassCountHook(Hook):
    """Refuses a head of more classes than its data set.

    It would train without a word and predict what no metric knows. One of
    fewer is right where the pipeline merges classes (:class:`MergeClasses`);
    where it does not, the segmentor names the first label that is too many.

    Raises:
        ValueError: Before the first step of training, validation or test.
    """

    def before_train(self, runner: Runner) -> None:
        self._check(runner, runner.train_loop.dataloader, 'train')
        if runner.val_loop is not None:
            self._check(runner, runner.val_loop.dataloader, 'val')

    def before_val(self, runner: Runner) -> None:
        self._check(runner, runner.val_loop.dataloader, 'val')

    def before_test(self, runner: Runner) -> None:
        self._check(runner, runner.test_loop.dataloader, 'test')

    def _check(
        self, runner: Runner, dataloader: DataLoader, split: str
    ) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        model = getattr(model, 'module', model)  # in test-time augmentation
        known = getattr(model, 'num_classes', None)
        metainfo = getattr(dataloader.dataset, 'metainfo', {})
        names = metainfo.get('classes')
        if known is None or not names or known <= len(names):
            return
        raise ValueError(
            f'decode_head.num_classes={known}, but the {split} data set has '
            f'{len(names)} classes: {", ".join(map(str, names[:5]))}'
            f'{", ..." if len(names) > 5 else ""}. Fix: '
            f'model.decode_head.num_classes={len(names)}, or name all classes '
            "in the data set's metainfo=dict(classes=...)"
        )

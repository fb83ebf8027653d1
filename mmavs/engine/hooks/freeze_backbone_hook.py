"""Keep a backbone as it is for the first epochs, on any number of ranks."""

import gc
from typing import List, Optional

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mmavs.registry import HOOKS


@HOOKS.register_module()
class FreezeBackboneHook(Hook):
    """Freeze the backbone for the first epochs, or for good.

    Frozen parameters ask for no gradient: the backward pass stops before
    them, nothing of their forward pass is kept, and the optimizer leaves
    them alone, weight decay included.

    DistributedDataParallel reduces only what asked for gradients when it was
    built. Parameters that are thawed later would train on each rank's own
    data, and the ranks drift apart without a word; parameters that are frozen
    later make it wait for gradients that never come. So the model is wrapped
    anew whenever the set changes. It is decided by the epoch, so a resumed
    run goes on where it stopped.

    Args:
        num_epochs (int, optional): Epochs to stay frozen; None for all.
            AVSegFormer: 5 (S4), 10 (MS3), 0 (AVSS).
        eval_mode (bool): Also keep it in evaluation mode, so that batch norm
            does not adapt and no path is dropped. AVSegFormer's released code
            does not.
    """

    # Before hooks that look at the model (EMA, profilers) see it.
    priority = 'VERY_HIGH'

    def __init__(
        self, num_epochs: Optional[int], eval_mode: bool = False
    ) -> None:
        self.num_epochs = num_epochs
        self.eval_mode = eval_mode
        self._frozen: List[nn.Parameter] = []
        self._is_frozen = False

    def before_train_epoch(self, runner: Runner) -> None:
        """Freeze or thaw, if this epoch begins with another state.

        Raises:
            ValueError: The loop counts iterations and ``num_epochs`` is given;
                the model is wrapped by something other than
                DistributedDataParallel.
        """
        wanted = self.num_epochs is None or runner.epoch < self.num_epochs
        if self.num_epochs and not isinstance(
            runner.train_loop, EpochBasedTrainLoop
        ):
            raise ValueError(
                f'FreezeBackboneHook(num_epochs={self.num_epochs}) counts '
                f'epochs, but {type(runner.train_loop).__name__} does not. '
                "Fix: train_cfg=dict(type='EpochBasedTrainLoop', ...), or "
                'num_epochs=None to freeze for good.'
            )
        if wanted == self._is_frozen:
            return
        if wanted:
            self._freeze(runner)
        else:
            self._thaw()
        self._is_frozen = wanted
        _wrap_anew(runner)
        self._report(runner)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Undo the loop's ``model.train()`` for what is frozen."""
        if self._is_frozen and self.eval_mode:
            backbone = _unwrapped(runner).backbone
            if backbone.training:
                backbone.eval()

    def _freeze(self, runner: Runner) -> None:
        """Freeze what learns; what never did is none of our business."""
        self._frozen = [
            parameter
            for parameter in _unwrapped(runner).backbone.parameters()
            if parameter.requires_grad
        ]
        for parameter in self._frozen:
            parameter.requires_grad_(False)
            parameter.grad = None

    def _thaw(self) -> None:
        for parameter in self._frozen:
            parameter.requires_grad_(True)
        self._frozen = []

    @master_only
    def _report(self, runner: Runner) -> None:
        millions = sum(p.numel() for p in self._frozen) / 1e6
        state = f'frozen ({millions:.2f} M)' if self._is_frozen else 'thawed'
        runner.logger.info(f'Epoch {runner.epoch + 1}: backbone {state}')


def _unwrapped(runner: Runner) -> nn.Module:
    """The model without what reduces its gradients."""
    model = runner.model
    return model.module if is_model_wrapper(model) else model


def _wrap_anew(runner: Runner) -> None:
    """Let DistributedDataParallel learn what asks for gradients now."""
    if not is_model_wrapper(runner.model):
        return
    if not isinstance(runner.model, DistributedDataParallel):
        raise ValueError(
            'FreezeBackboneHook changes what is trained while it runs, which '
            f'{type(runner.model).__name__} cannot follow. Fix: train with '
            'MMDistributedDataParallel, or drop the hook from custom_hooks.'
        )
    module, runner.model = runner.model.module, None
    # The old reducer takes its hooks off the parameters when it dies; a
    # reference cycle must not keep it.
    gc.collect()
    runner.model = runner.wrap_model(
        runner.cfg.get('model_wrapper_cfg'), module
    )

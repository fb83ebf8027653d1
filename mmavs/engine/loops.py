"""When a training validates."""

from mmengine.runner import EpochBasedTrainLoop

from mmavs.registry import LOOPS


@LOOPS.register_module()
class CountedValTrainLoop(EpochBasedTrainLoop):
    """Validates every ``val_interval`` epochs, counted from ``val_begin``.

    With ``val_begin=17, val_interval=2`` after epochs 17, 19, 21 ...;
    mmengine's loop would after 18, 20 ... and after the last.

    Args:
        runner (Runner): See mmengine.
        dataloader (DataLoader or dict): See mmengine.
        max_epochs (int): See mmengine.
        val_begin (int): First epoch after which to validate, counted from 1.
        val_interval (int): Epochs from one validation to the next.
    """

    def __init__(
        self,
        runner,
        dataloader,
        max_epochs: int,
        val_begin: int = 1,
        val_interval: int = 1,
    ) -> None:
        super().__init__(
            runner, dataloader, max_epochs, val_begin, val_interval
        )

    def run(self):
        """Train; see mmengine."""
        self.runner.call_hook('before_train')
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            since = self._epoch - self.val_begin
            due = since >= 0 and since % self.val_interval == 0
            if due and self.runner.val_loop is not None:
                self.runner.val_loop.run()
        self.runner.call_hook('after_train')
        return self.runner.model

"""Say so when there is nothing for the sound to choose from."""

import logging

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmavs.registry import HOOKS
from mmavs.structures import AVHeadOutput


@HOOKS.register_module()
class InstanceCountHook(Hook):
    """Warn after an epoch in which a head with AVSC found no instance.

    Its loss is a constant then, and the sound learns nothing (the second
    stage of AVIS, arXiv 2307.16620). Other models are left alone.
    """

    def __init__(self) -> None:
        self._handle = None
        self._found = torch.zeros(())

    def before_train_epoch(self, runner: Runner) -> None:
        """Begin to count."""
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        head = getattr(model, 'decode_head', None)
        if getattr(head, 'avsc', None) is None:
            return
        self._found = torch.zeros((), device=next(head.parameters()).device)
        self._handle = head.register_forward_hook(self._count)

    def _count(self, head: nn.Module, args: tuple, out: AVHeadOutput) -> None:
        self._found += out.extras['instances'].valid.sum()

    def after_train_epoch(self, runner: Runner) -> None:
        """Stop counting, and warn if there was nothing to count."""
        if self._handle is None:
            return
        self._handle.remove()
        self._handle = None
        all_reduce(self._found)
        if not self._found:
            print_log(
                'No frame of this epoch had an instance for the sound to '
                'choose, so AVSC learnt nothing. Fix: load_from=a checkpoint '
                'of stage 1 that finds some ("I" of its validation), or a '
                'lower decode_head.score_thr.',
                logger='current',
                level=logging.WARNING,
            )

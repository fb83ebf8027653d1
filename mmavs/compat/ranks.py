"""Distributed ranks: on CPU, and one at a time where they write."""

import atexit
import gc
import time


def _leave_group() -> None:
    """Wait for gloo's threads while the interpreter still lives.

    They give back the tensors of the last collective, for which they need
    the interpreter; a process that ends first is aborted. PyTorch joins them
    when the group itself is freed. Before, the interpreter is left to them
    for a moment: PyTorch 2.4 would keep it to itself while it joins, and newer
    ones do where a Python reference is not the last.
    """
    import torch

    if not torch.distributed.is_initialized():
        return
    group = torch.distributed.group.WORLD
    torch.distributed.destroy_process_group()
    time.sleep(0.1)
    gc.collect()  # a model's distributed wrapper holds the group, in a cycle
    del group


def allow_cpu_ranks() -> None:
    """Let mmengine's pytorch launcher run gloo ranks on CPU.

    On a machine with a GPU nothing changes.
    """
    from mmengine.dist import utils as dist_utils
    from mmengine.model import MMDistributedDataParallel

    upstream = dist_utils._init_dist_pytorch
    if getattr(upstream, '_mmavs', False):
        return

    def init_dist(backend: str, init_backend: str = 'torch', **kwargs):
        import torch

        if torch.cuda.is_available():
            return upstream(backend, init_backend=init_backend, **kwargs)
        torch.distributed.init_process_group(backend='gloo', **kwargs)
        atexit.register(_leave_group)

    init_dist._mmavs = True
    dist_utils._init_dist_pytorch = init_dist

    upstream_init = MMDistributedDataParallel.__init__

    def init_ddp(self, module, *args, device_ids=None, **kwargs):
        if next(module.parameters()).device.type == 'cpu':
            device_ids = None
        upstream_init(self, module, *args, device_ids=device_ids, **kwargs)

    MMDistributedDataParallel.__init__ = init_ddp


def let_one_rank_write_metrics() -> None:
    """Let rank 0 alone write the figures of a test.

    Every rank of mmengine writes them into the same JSON file, at the same
    time: of the longer text, an end can be left behind the shorter one.
    """
    from mmengine.dist import master_only
    from mmengine.hooks import LoggerHook

    upstream = LoggerHook.after_test_epoch
    if not hasattr(upstream, '__wrapped__'):
        LoggerHook.after_test_epoch = master_only(upstream)

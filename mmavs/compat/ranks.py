"""Distributed ranks: on CPU, sharded, and one at a time where they write."""

import atexit
import functools
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

    _allow_cpu_shards()


def _allow_cpu_shards() -> None:
    """Let mmengine's FSDP strategy share a model out over gloo ranks.

    On the CPU, moving whole weights "to the CPU" before they are saved would
    free them: PyTorch reads what is no longer there.
    """
    from mmengine._strategy import FSDPStrategy

    upstream = FSDPStrategy._wrap_model

    def wrap_model(self, model):
        import torch

        if not torch.cuda.is_available():
            wrapper = self.model_wrapper or {}
            self.model_wrapper = dict(wrapper, device_id=torch.device('cpu'))
            self.state_dict_config.offload_to_cpu = False
            self.optim_state_dict_config.offload_to_cpu = False
        return upstream(self, model)

    FSDPStrategy._wrap_model = wrap_model


def clip_sharded_gradients() -> None:
    """Clip gradients that are shared out over ranks (FSDP) by their norm.

    mmengine clips what a rank holds by the norm of that alone, so that ranks
    would scale the parts of one gradient differently.
    """
    from mmengine.optim import OptimWrapper

    upstream = OptimWrapper._clip_grad
    if hasattr(upstream, '__wrapped__'):
        return

    @functools.wraps(upstream)
    def clip(self) -> None:
        import torch

        parameters = [
            parameter
            for group in self.optimizer.param_groups
            for parameter in group['params']
        ]
        # how PyTorch marks what FSDP shares out
        sharded = any(getattr(p, '_fsdp_flattened', False) for p in parameters)
        if sharded and self.clip_func is torch.nn.utils.clip_grad_norm_:
            norm = _clip_over_ranks(parameters, **self.clip_grad_kwargs)
            self.message_hub.update_scalar(
                f'train/{self.grad_name}', float(norm)
            )
        else:
            upstream(self)

    OptimWrapper._clip_grad = clip


def _clip_over_ranks(parameters, max_norm: float, norm_type: float = 2.0):
    """Scale the parts of all ranks alike; a rank may hold none."""
    import torch
    from mmengine.device import get_device
    from mmengine.dist import all_reduce

    parts = [p.grad for p in parameters if p.grad is not None]
    total = torch.zeros((), device=get_device())
    for part in parts:
        total += part.float().norm(norm_type) ** norm_type
    all_reduce(total)
    norm = total ** (1 / norm_type)
    for part in parts:
        part.mul_((max_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm


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

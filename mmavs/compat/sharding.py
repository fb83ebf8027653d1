"""Models that mmengine shares out over ranks (FSDP, DeepSpeed)."""

import functools


def ready_sharding() -> None:
    """Let mmengine's strategies run on CPU ranks, FSDP's resume and clip."""
    import torch

    if not torch.distributed.is_available():  # nor are the strategies
        return
    from mmengine._strategy import FSDPStrategy
    from mmengine._strategy.deepspeed import DeepSpeedOptimWrapper

    if hasattr(FSDPStrategy._wrap_model, '__wrapped__'):
        return
    FSDPStrategy._wrap_model = _wrap_where_it_is(FSDPStrategy._wrap_model)
    FSDPStrategy.load_optim_state_dict = _load_optim_state_dict
    # gloo refuses to gather weights into parts of what autograd watches
    DeepSpeedOptimWrapper.step = torch.no_grad()(DeepSpeedOptimWrapper.step)
    _clip_gradients()


def _wrap_where_it_is(upstream):
    """Share a model out on gloo ranks, too.

    mmengine hands FSDP a GPU. On the CPU, moving whole weights "to the CPU"
    before they are saved would free them: PyTorch reads what is no longer
    there.
    """

    @functools.wraps(upstream)
    def wrap_model(self, model):
        import torch

        if not torch.cuda.is_available():
            wrapper = self.model_wrapper or {}
            self.model_wrapper = dict(wrapper, device_id=torch.device('cpu'))
            self.state_dict_config.offload_to_cpu = False
            self.optim_state_dict_config.offload_to_cpu = False
        return upstream(self, model)

    return wrap_model


def _load_optim_state_dict(self, state_dict: dict) -> None:
    """Resume an optimizer; mmengine's arguments are those of PyTorch 2.0."""
    from torch.distributed.fsdp import FullyShardedDataParallel

    part = FullyShardedDataParallel.optim_state_dict_to_load(
        model=self.model,
        optim=self.optim_wrapper.optimizer,
        optim_state_dict=state_dict,
    )
    self.optim_wrapper.load_state_dict(part)


def _clip_gradients() -> None:
    """Clip gradients that are shared out over ranks by their norm.

    mmengine clips what a rank holds by the norm of that alone, so that ranks
    would scale the parts of one gradient differently.
    """
    from mmengine.optim import OptimWrapper

    upstream = OptimWrapper._clip_grad

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

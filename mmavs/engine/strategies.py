"""Trainings that are shared out over ranks by mmengine's strategies."""

from importlib.util import find_spec

from mmengine.config import Config

_BEYOND_DEEPSPEED = {'accumulative_counts', 'dtype', 'loss_scale'}


def ready_strategy(config: Config) -> None:
    """Make the parts of a config fit the strategy that it names, if any.

    DeepSpeed clips gradients by itself, so what ``optim_wrapper`` says about
    that goes to the strategy. With FSDP, ``optim_wrapper`` does it.

    Args:
        config (Config): About to run; changed in place.

    Raises:
        ValueError: There is one process, a package is absent, or the strategy
            cannot do what the config says.
    """
    strategy = config.get('strategy')
    if not strategy:
        return
    kind = strategy['type']
    if config.get('launcher', 'none') == 'none':
        raise ValueError(
            f'{kind} shares a model out over ranks, and this is one process. '
            'Fix: tools/dist_train.sh CONFIG PROCESSES, or leave the strategy '
            'out.'
        )
    hooks = [hook['type'] for hook in config.get('custom_hooks') or []]
    if 'FreezeBackboneHook' in hooks:
        raise ValueError(
            'FreezeBackboneHook changes what is trained while it runs, which '
            f'{kind} cannot follow. Fix: take DDP '
            '(_base_/strategies/ddp.py), or drop the hook from custom_hooks.'
        )
    if kind == 'DeepSpeedStrategy':
        if find_spec('deepspeed') is None:
            raise ValueError(
                'DeepSpeedStrategy needs the package deepspeed, which is not '
                'installed. Fix: pip install "deepspeed<0.19", or take FSDP '
                '(_base_/strategies/fsdp.py).'
            )
        _hand_over(config)


def _hand_over(config: Config) -> None:
    """Move clipping from ``optim_wrapper`` to DeepSpeed."""
    wrapper = config.optim_wrapper
    clip = wrapper.pop('clip_grad', None) or {}
    beyond = sorted(_BEYOND_DEEPSPEED & wrapper.keys())
    if not clip.keys() <= {'max_norm'}:
        beyond.append('clip_grad')
    if (config.get('auto_scale_lr') or {}).get('enable'):
        beyond.append('auto_scale_lr')
    if beyond:
        raise ValueError(
            'mmengine hands DeepSpeed an optimizer and the norm to clip by, '
            f'but nothing of {", ".join(beyond)}, which the config sets. Fix: '
            'take FSDP (_base_/strategies/fsdp.py), or leave that out.'
        )
    if clip:
        config.strategy.setdefault('gradient_clipping', clip['max_norm'])

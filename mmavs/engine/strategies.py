"""Trainings that are shared out over ranks by mmengine's strategies."""

from importlib.util import find_spec

from mmengine.config import Config


def ready_strategy(config: Config) -> None:
    """Make the parts of a config fit the strategy that it names, if any.

    DeepSpeed clips gradients by itself, so what ``optim_wrapper`` says about
    that goes to the strategy. With FSDP, ``optim_wrapper`` does it.

    Args:
        config (Config): About to run; changed in place.

    Raises:
        ValueError: There is one process, a package is absent, or DeepSpeed
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
    if kind == 'DeepSpeedStrategy':
        if find_spec('deepspeed') is None:
            raise ValueError(
                'DeepSpeedStrategy needs the package deepspeed, which is not '
                'installed. Fix: pip install deepspeed, or take FSDP '
                '(_base_/strategies/fsdp.py).'
            )
        _hand_over(config)


def _hand_over(config: Config) -> None:
    """Move clipping from ``optim_wrapper`` to DeepSpeed."""
    wrapper = config.optim_wrapper
    clip = wrapper.pop('clip_grad', None) or {}
    beyond = sorted({'dtype', 'loss_scale'} & wrapper.keys())
    beyond += [] if clip.keys() <= {'max_norm'} else ['clip_grad']
    if beyond:
        raise ValueError(
            'DeepSpeed takes max_norm of optim_wrapper.clip_grad alone, and '
            f'no mixed precision of mmengine, but the config sets '
            f'{", ".join(beyond)}. Fix: take FSDP '
            '(_base_/strategies/fsdp.py), or leave them out.'
        )
    if clip:
        config.strategy.setdefault('gradient_clipping', clip['max_norm'])

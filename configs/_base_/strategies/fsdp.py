# Weights, gradients and optimizer states are shared out over the GPUs (FSDP).
# The model is one unit, gathered for a step: necks and heads fold weights of
# their layers, which have to be whole outside of those layers' forward.
# Checkpoints are whole, as every tool reads them.
runner_type = 'FlexibleRunner'
strategy = dict(
    type='FSDPStrategy',
    model_wrapper=dict(
        type='MMFullyShardedDataParallel',
        sharding_strategy='SHARD_GRAD_OP',
        use_orig_params=True,
    ),
    state_dict_cfg='full',
)

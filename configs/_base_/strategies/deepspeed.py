# Gradients and optimizer states are shared out over the GPUs (DeepSpeed, ZeRO
# stage 2): pip install "deepspeed<0.19". What optim_wrapper.clip_grad says
# goes to DeepSpeed. Checkpoints are whole files of weights that every tool
# reads, since DeepSpeed's own run code when they are read; so a run that was
# stopped cannot go on.
runner_type = 'FlexibleRunner'
strategy = dict(
    type='DeepSpeedStrategy',
    config=dict(zero_allow_untested_optimizer=True),  # SGD, say
    zero_optimization=dict(
        stage=2, overlap_comm=True, contiguous_gradients=True
    ),
)
optim_wrapper = dict(type='DeepSpeedOptimWrapper')
default_hooks = dict(checkpoint=dict(save_optimizer=False))

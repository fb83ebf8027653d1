# Gradients and optimizer states are shared out over the GPUs (DeepSpeed,
# ZeRO stage 2); pip install deepspeed. What optim_wrapper.clip_grad says goes
# to DeepSpeed.
runner_type = 'FlexibleRunner'
strategy = dict(
    type='DeepSpeedStrategy',
    zero_optimization=dict(
        stage=2, overlap_comm=True, contiguous_gradients=True
    ),
)
optim_wrapper = dict(type='DeepSpeedOptimWrapper')

# AVS-BG's recipe (arXiv 2308.08288, "Training Details", and the released
# config.py): Adam at a constant rate (the code's StepLR multiplies by 1), no
# weight decay, no clipping; 30 epochs are those of MS3.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, fused=True),
)
auto_scale_lr = dict(enable=False, base_batch_size=12)  # clips of a step

# The AVSBench baseline's recipe (arXiv 2301.13190, Section 5.1, and the
# released train.sh): Adam at a constant rate, no weight decay, no clipping;
# 30 epochs are those of MS3.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, fused=True),
)
auto_scale_lr = dict(enable=False, base_batch_size=4)  # clips of a step

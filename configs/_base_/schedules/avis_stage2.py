# AVIS, audio-visual semantic correlation (arXiv 2307.16620, Section 4.1): Adam
# at 1e-3. The paper gives no number of epochs: AVSBench's (15 for S4, 30 for
# MS3). The segmentation network stays as stage 1 left it.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3, fused=True),
)
custom_hooks = [
    dict(type='FreezeBackboneHook', num_epochs=None, eval_mode=True)
]
auto_scale_lr = dict(enable=False, base_batch_size=64)  # frames of a step

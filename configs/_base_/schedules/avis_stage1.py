# AVIS, segmentation network (arXiv 2307.16620, Section 4.1): Adam at 1e-4. The
# paper gives no number of epochs: AVSBench's (15 for S4, 30 for MS3). "We
# utilize the model with the best performance on the validation set for the
# next stage" (Section 6.4).
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, fused=True),
)
auto_scale_lr = dict(enable=False, base_batch_size=32)  # frames of a step

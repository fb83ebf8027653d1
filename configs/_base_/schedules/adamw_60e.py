# AVSegFormer's released recipe, which AVSAC keeps (arXiv 2402.02327, Section
# 4.3 and Table 6): AdamW at a constant rate, no clipping. 60 epochs are those
# of MS3; S4 and AVSS take 30.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=60, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(
        type='AdamW',
        lr=2e-5,
        weight_decay=0.01,  # PyTorch's default, which the released code keeps
        fused=True,
    ),
)
# clips of a step, on all GPUs together; 2 of AVSegFormer on S4 and MS3
auto_scale_lr = dict(enable=False, base_batch_size=4)

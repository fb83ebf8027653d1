# AuralSAM2's recipe as its launcher starts it (its config.py names batch 8 and
# rate 7.5e-5, which argparse overrides): AdamW at 1e-4, decay 0.05 on all but
# norm layers, the rate falls with (1 - i / n) ** 0.9 at every step, one clip
# on each of four GPUs, bfloat16 without a scaler, no clipping.
max_epochs = 140
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1
)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='AmpOptimWrapper',
    dtype='bfloat16',
    loss_scale=1.0,
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0.0,
        begin=0,
        end=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=4)  # on four GPUs

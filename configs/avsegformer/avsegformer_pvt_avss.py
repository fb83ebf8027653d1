# The backbone is not frozen in this setting, as released.
_base_ = [
    '../_base_/models/avsegformer_pvt.py',
    '../_base_/datasets/avsbench_avss.py',
    '../_base_/schedules/adamw_60e.py',
    '../_base_/default_runtime.py',
]
data_preprocessor = dict(num_frames=10)  # shorter clips are padded
model = dict(
    data_preprocessor=data_preprocessor,
    backbone=dict(with_cp='ffn'),
    decode_head=dict(
        with_cp=True,  # four clips of ten frames would not fit into 24 GB
        num_classes=71,
        loss_decode=dict(_delete_=True, type='FrameCrossEntropyLoss'),
    ),
)
# The released code counts epochs from 0, and validates after those from 10 on
# that are even: after the 11th, 13th, ... 29th epoch.
train_cfg = dict(
    type='CountedValTrainLoop', max_epochs=30, val_begin=11, val_interval=2
)
# It keeps two checkpoints, one by mIoU and one by mIoU + F.
default_hooks = dict(checkpoint=dict(save_best=['mIoU', 'mIoU+mFscore']))
train_dataloader = dict(batch_size=4)

_base_ = [
    '../_base_/models/tpavi_pvt.py',
    '../_base_/datasets/avsbench_avss.py',
    '../_base_/schedules/tpavi_30e.py',
    '../_base_/default_runtime.py',
]
data_preprocessor = dict(num_frames=10)  # shorter clips are padded
model = dict(
    data_preprocessor=data_preprocessor,
    neck=[
        dict(
            type='DilatedSumNeck',
            in_channels=[64, 128, 320, 512],
            out_channels=256,
        ),
        dict(
            type='TPAVI',
            in_channels=[256] * 4,
            audio_channels=128,
            # A clip of ten frames is two windows of five, as released.
            align_bias=False,  # as released for this setting
        ),
    ],
    decode_head=dict(
        num_classes=71,
        loss_decode=dict(_delete_=True, type='FrameCrossEntropyLoss'),
    ),
    auxiliary_losses=[
        dict(
            type='AudioVisualMappingLoss',
            features='head',  # the maps after the decoder's first ReLU
            mode='audio-visual',  # Table 6
            distance='kl',
            reduction='mean',  # over labelled frames, as released
            background_index=0,  # 70 until September 2024, as published
            loss_weight=0.5,  # lambda, Section 5.1
        )
    ],
)
# 60 epochs: Section 5.1. The released code counts epochs from 0, and validates
# after those from 15 on that are even: after the 17th, 19th, ... 59th epoch.
train_cfg = dict(
    type='CountedValTrainLoop', max_epochs=60, val_begin=17, val_interval=2
)
# It keeps two checkpoints, one by mIoU and one by mIoU + F.
default_hooks = dict(checkpoint=dict(save_best=['mIoU', 'mIoU+mFscore']))

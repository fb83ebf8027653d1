# AVS-BG, small, for S4: the sound is rebuilt from the predicted mask.
_base_ = [
    '../_base_/models/tiny.py',
    '../_base_/datasets/synthetic_s4.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
reduce = dict(
    type='ConvBNNeck', in_channels=[16, 32, 64, 128], out_channels=48
)
model = dict(
    neck=[
        reduce,
        dict(type='AVCorrelation', in_channels=[48] * 4, audio_channels=128),
        dict(type='MotionCorrelation', num_scales=4),
    ],
    decode_head=dict(
        relu_first=False,
        upsample_mode='nearest',
        loss_decode=dict(_delete_=True, type='StructureLoss'),
    ),
    auxiliary_losses=[
        dict(
            type='VisualToAudioLoss',
            in_channels=48,
            audio_channels=128,
            feature_size=3,  # of frames of 96 px
            mask='predicted',
        )
    ],
)
# see avsbg_tiny_ms3.py
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'neck.1': dict(lr_mult=20.0)})
)

# AVS-BG, small: model.neck.2.stages=[] is without motion,
# model.auxiliary_losses.0.loss_weight=0 without bidirectional generation.
# Its sound encoder learns here, where the released one is VGGish and frozen:
# so L_AVM spares the sound, which it would turn into a constant.
_base_ = './film_tiny_ms3.py'
reduce = dict(
    type='ConvBNNeck', in_channels=[16, 32, 64, 128], out_channels=32
)
model = dict(
    audio_encoder=dict(out_channels=32),  # the neck's width, as released
    neck=[
        reduce,
        dict(type='AVCorrelation', in_channels=[32] * 4, audio_channels=32),
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
            in_channels=32,
            audio_channels=32,
            feature_size=2,  # of frames of 64 px
            mask='ground_truth',
        ),
        dict(
            type='AudioVisualMappingLoss',
            features='neck.1',
            normalize=True,
            detach_audio=True,
            loss_weight=0.5,
        ),
    ],
)
# Products of unit vectors are small: at the others' rate the gates of sound
# would still be closed when the training ends, at 20 times it they saturate.
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'neck.1': dict(lr_mult=5.0)})
)

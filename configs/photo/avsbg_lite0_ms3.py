# AVS-BG, small. Its sound encoder learns, where the released one is frozen:
# so, as in configs/synthetic/avsbg_tiny_ms3.py, L_AVM spares the sound.
_base_ = './film_lite0_ms3.py'
model = dict(
    audio_encoder=dict(out_channels=48),  # the neck's width, as released
    neck=[
        dict(type='ConvBNNeck', in_channels=[40, 112, 320], out_channels=48),
        dict(type='AVCorrelation', in_channels=[48] * 3, audio_channels=48),
        dict(type='MotionCorrelation', num_scales=3),
    ],
    decode_head=dict(
        relu_first=False,
        upsample_mode='nearest',
        loss_decode=dict(_delete_=True, type='StructureLoss'),
    ),
    auxiliary_losses=[
        dict(_base_.model.auxiliary_losses[0], audio_channels=48),
        dict(
            type='VisualToAudioLoss',
            in_channels=48,
            audio_channels=48,
            feature_size=4,  # of frames of 112 px
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
# Products of unit vectors are small: gates of sound open slowly, but at 20
# times the rate they saturate.
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'neck.1': dict(lr_mult=5.0)})
)

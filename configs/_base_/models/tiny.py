# A model of about a million weights that learns from scratch in minutes on a
# CPU; stands in for the large backbones in configs/synthetic/.
norm_cfg = dict(type='BN', requires_grad=True)
width = 32

data_preprocessor = dict(
    type='AVSDataPreProcessor',
    mean=[120.0, 120.0, 120.0],
    std=[60.0, 60.0, 60.0],
)
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='ResNetV1c',
        depth=18,
        base_channels=16,
        stem_channels=8,
        norm_cfg=norm_cfg,
        zero_init_residual=False,
    ),
    audio_encoder=dict(
        type='LogMelCNN', channels=(8, 16, 24, 32), out_channels=128
    ),
    neck=[
        dict(
            type='ChannelAlign',
            in_channels=[16, 32, 64, 128],
            out_channels=width,
            norm_cfg=norm_cfg,
        ),
        dict(type='AudioFiLM', in_channels=[width] * 4, audio_channels=128),
    ],
    decode_head=dict(
        type='AVSFPNHead',
        in_channels=[width] * 4,
        channels=(24, 24),
        num_upsamples=0,
        relu_skip=False,
        norm_cfg=norm_cfg,
        prior_prob=0.1,
        loss_decode=[dict(type='FrameBCELoss'), dict(type='FrameDiceLoss')],
    ),
    test_cfg=dict(eval_size='original'),
)

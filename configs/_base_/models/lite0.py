# EfficientNet-Lite0 with ImageNet weights, frozen, under a small neck and
# head; its maps are kept in files. Sound is learnt from scratch: that it finds
# the masked maps of its frame among those of other clips tells it early what
# to listen for.
norm_cfg = dict(type='BN', requires_grad=True)
width = 48

data_preprocessor = dict(
    type='AVSDataPreProcessor', mean=[127.5] * 3, std=[127.5] * 3
)
lite0 = dict(
    type='EfficientNetLite0',
    out_indices=(1, 2, 3),
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/rwightman/pytorch-image-models/'
        'releases/download/v0.1-weights/tf_efficientnet_lite0-0aa007d2.pth',
    ),
)
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='FrozenFeatures',
        encoder=lite0,
        cache_dir='data/cache/lite0',
        half=True,
    ),
    audio_encoder=dict(type='LogMelCNN', out_channels=128),
    neck=[
        dict(
            type='ChannelAlign',
            in_channels=[40, 112, 320],
            out_channels=width,
            norm_cfg=norm_cfg,
        ),
        dict(type='AudioFiLM', in_channels=[width] * 3, audio_channels=128),
    ],
    decode_head=dict(
        type='AVSFPNHead',
        in_channels=[width] * 3,
        channels=(32, 32),
        num_upsamples=1,
        relu_skip=False,
        norm_cfg=norm_cfg,
        prior_prob=0.1,
        loss_decode=[dict(type='FrameBCELoss'), dict(type='FrameDiceLoss')],
    ),
    auxiliary_losses=[
        dict(
            type='MaskedInfoNCELoss',
            features='encoders',
            in_channels=[112, 320],
        )
    ],
    test_cfg=dict(eval_size='original'),
)

# AVS-BG with ResNet-50 (arXiv 2308.08288) and the losses of MS3; 27.61 M
# weights besides VGGish.
_base_ = './avsbg_pvt.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,  # statistics are updated in training, as released
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/resnet50-19c8e357.pth'
        ),
    ),
    neck=[
        dict(
            type='ConvBNNeck',
            in_channels=[256, 512, 1024, 2048],
            out_channels=128,  # C of "Audio-Visual Fused Module"
        ),
        dict(type='AVCorrelation', in_channels=[128] * 4, audio_channels=128),
        dict(type='MotionCorrelation', num_scales=4),
    ],
)

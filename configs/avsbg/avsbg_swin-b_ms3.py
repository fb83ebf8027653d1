# AVS-BG with Swin-B, a backbone its released code offers; here mmseg's, which
# normalises the map of each stage.
_base_ = './avsbg_pvt_ms3.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        embed_dims=128,
        depths=(2, 2, 18, 2),
        num_heads=(4, 8, 16, 32),
        window_size=7,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='pretrained/'
            'swin_base_patch4_window7_224_20220317-e9b98025.pth',
        ),
    ),
    neck=[
        dict(
            type='ConvBNNeck',
            in_channels=[128, 256, 512, 1024],
            out_channels=128,  # C of "Audio-Visual Fused Module"
        ),
        dict(type='AVCorrelation', in_channels=[128] * 4, audio_channels=128),
        dict(type='MotionCorrelation', num_scales=4),
    ],
)

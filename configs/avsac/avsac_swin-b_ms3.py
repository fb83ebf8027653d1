# AVSAC with Swin-B, which the paper names (Section 4.5) without a number.
_base_ = './avsac_pvt_ms3.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        embed_dims=128,
        depths=(2, 2, 18, 2),
        num_heads=(4, 8, 16, 32),
        window_size=7,
        drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='pretrained/'
            'swin_base_patch4_window7_224_20220317-e9b98025.pth',
        ),
    ),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)

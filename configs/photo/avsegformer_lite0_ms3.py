# AVSegFormer, small: its queries, its deformable encoder, its mixer.
_base_ = './film_lite0_ms3.py'
model = dict(
    data_preprocessor=dict(size_divisor=32),  # 112 px become 128
    backbone=dict(encoder=dict(out_indices=(0, 1, 2, 3))),
    neck=None,
    decode_head=dict(
        _delete_=True,
        type='AVSegFormerHead',
        in_channels=[24, 40, 112, 320],
        audio_channels=128,
        embed_dims=64,
        num_heads=4,
        dropout=0.0,
        encoder=dict(num_layers=2, ffn_channels=128),
        queries=dict(num_queries=20, num_layers=2, ffn_channels=128),
        decoder=dict(num_layers=2, ffn_channels=128),
        composer=dict(mlp_channels=128, conv_channels=(32, 16)),
        loss_decode=[dict(type='FrameBCELoss'), dict(type='FrameDiceLoss')],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))

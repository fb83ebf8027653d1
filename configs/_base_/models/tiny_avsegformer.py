# AVSegFormer, small: its queries, its deformable encoder, its mixer.
_base_ = './tiny.py'
model = dict(
    neck=None,
    decode_head=dict(
        _delete_=True,
        type='AVSegFormerHead',
        in_channels=[16, 32, 64, 128],
        audio_channels=128,
        embed_dims=32,
        num_heads=4,
        dropout=0.0,
        encoder=dict(num_layers=1, ffn_channels=64),
        queries=dict(num_queries=20, num_layers=1, ffn_channels=64),
        decoder=dict(num_layers=2, ffn_channels=64),
        composer=dict(mlp_channels=128, conv_channels=(8, 8)),
        loss_decode=[dict(type='FrameBCELoss'), dict(type='FrameDiceLoss')],
    ),
)

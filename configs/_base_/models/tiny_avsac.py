# AVSAC, small: the bridges of its two towers and AVFS.
# model.neck.decoder.direction=a2v or v2a cuts a bridge, none both.
_base_ = './tiny.py'
model = dict(
    neck=dict(
        _delete_=True,
        type='AVBridge',
        in_channels=[16, 32, 64, 128],
        audio_channels=128,
        embed_dims=32,
        num_heads=4,
        dropout=0.0,
        encoder=dict(num_layers=1, ffn_channels=64),
        queries=dict(num_queries=20, num_layers=1, ffn_channels=64),
        # the default, said since kept runs are known by their config
        decoder=dict(num_layers=2, audio_weight=0),
    ),
    decode_head=dict(
        _delete_=True,
        type='BAVDHead',
        embed_dims=32,
        num_queries=20,
        mlp_channels=128,
        conv_channels=(8, 8),
        loss_decode=[dict(type='FrameBCELoss'), dict(type='FrameDiceLoss')],
    ),
    auxiliary_losses=[dict(type='AVFSLoss', features='neck', axis='channel')],
)

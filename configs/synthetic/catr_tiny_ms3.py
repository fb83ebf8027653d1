# CATR, small: its two encoders, its gates, its queries, masks at 1/16 of
# frames twice as large. By the paper; the slips of the released code are
#   --cfg-options model.neck.1.as_released=True \
#                 model.decode_head.as_released=True
_base_ = './film_tiny_ms3.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='EnlargedBackbone',
        scale=2.0,
        backbone=dict(_base_.model.backbone, out_indices=(1, 2, 3)),
    ),
    neck=[
        dict(
            type='DilatedSumNeck',
            in_channels=[32, 64, 128],
            out_channels=64,
        ),
        dict(
            type='DecoupledAVEncoder',
            in_channels=[64] * 3,
            audio_channels=128,
            embed_dims=64,
            num_heads=4,
            num_layers=1,
            ffn_channels=128,
            dropout=0.0,
            as_released=False,
        ),
    ],
    decode_head=dict(
        _delete_=True,
        type='CATRHead',
        in_channels=[64] * 4,
        num_queries=20,
        num_layers=2,
        num_heads=4,
        ffn_channels=128,
        dropout=0.0,
        loss_decode=[
            dict(type='FrameDiceLoss', skip_empty=False, loss_weight=5.0),
            dict(type='SigmoidFocalLoss', loss_weight=5.0),
            dict(type='FrameBCELoss', loss_weight=4.0),
        ],
        as_released=False,
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))

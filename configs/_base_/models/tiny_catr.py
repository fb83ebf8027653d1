# CATR, small: its two encoders, its gates, its queries. By the paper; the
# slips of the released code are
#   --cfg-options model.neck.1.as_released=True \
#                 model.decode_head.as_released=True
# Maps are as large as in the other rows. At 1/16 of these frames masks would
# be of 4 x 4: the true ones, averaged to it and back, have a J of 28 (of
# 8 x 8: 62, of 16 x 16: 87).
_base_ = './tiny.py'
model = dict(
    # 16 x 16, 16 x 16, 8 x 8
    backbone=dict(strides=(1, 1, 1, 2), out_indices=(1, 2, 3)),
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
            num_heads=2,
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
        num_heads=2,
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

# AuralSAM2 with SAM 2.0's Hiera-T: 38.95 M weights of SAM 2 as released.
_base_ = './auralsam2_hiera-l.py'
model = dict(
    backbone=dict(arch='t'),
    neck=[
        dict(_base_.model.neck[0], in_channels=[96, 192, 384, 768]),
        _base_.model.neck[1],
    ],
    decode_head=dict(pointers_in_past_only=False),  # as its settings say
)

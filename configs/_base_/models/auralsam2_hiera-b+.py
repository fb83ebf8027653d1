# AuralSAM2 with SAM 2.0's Hiera-B+: 80.83 M weights of SAM 2 as released.
_base_ = './auralsam2_hiera-l.py'
model = dict(
    backbone=dict(arch='b'),
    neck=[
        dict(_base_.model.neck[0], in_channels=[112, 224, 448, 896]),
        _base_.model.neck[1],
    ],
)

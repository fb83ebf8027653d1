# AuralSAM2 with SAM 2.0's Hiera-B+: 80.83 M weights of SAM 2 as released.
_base_ = './auralsam2_hiera-l.py'
sam2 = dict(type='Pretrained', checkpoint='pretrained/sam2_hiera_base_plus.pt')
model = dict(
    backbone=dict(arch='b', init_cfg=sam2),
    neck=[
        dict(
            _base_.model.neck[0],
            in_channels=[112, 224, 448, 896],
            init_cfg=sam2,
        ),
        _base_.model.neck[1],
    ],
    decode_head=dict(init_cfg=sam2),
)

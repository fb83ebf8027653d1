# AuralSAM2 with SAM 2.0's Hiera-T: 38.95 M weights of SAM 2 as released.
_base_ = './auralsam2_hiera-l.py'
sam2 = dict(type='Pretrained', checkpoint='pretrained/sam2_hiera_tiny.pt')
model = dict(
    backbone=dict(arch='t', init_cfg=sam2),
    neck=[
        dict(
            _base_.model.neck[0],
            in_channels=[96, 192, 384, 768],
            init_cfg=sam2,
        ),
        _base_.model.neck[1],
    ],
    decode_head=dict(
        pointers_in_past_only=False,  # as its settings say
        init_cfg=sam2,
    ),
)

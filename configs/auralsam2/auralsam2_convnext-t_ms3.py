# AuralSAM2's fuser and head on a backbone that SAM 2 was not trained with: any
# of strides 4, 8, 16 and 32. What was frozen is trained.
_base_ = ['./auralsam2_hiera-t_ms3.py', '../_base_/backbones/convnext-t.py']
model = dict(
    backbone=dict(_base_.convnext_t, _delete_=True, with_cp=True),
    neck=[
        dict(
            _base_.model.neck[0],
            in_channels=[96, 192, 384, 768],
            frozen=False,
            init_cfg=None,
        ),
        _base_.model.neck[1],
    ],
    decode_head=dict(frozen=False, init_cfg=None),
)

# TPAVI on a backbone of mmpretrain: any that returns four maps will do.
_base_ = ['./tpavi_r50_ms3.py', '../_base_/backbones/convnext-t.py']
model = dict(
    backbone=dict(_base_.convnext_t, _delete_=True),
    neck=[
        dict(_base_.model.neck[0], in_channels=[96, 192, 384, 768]),
        *_base_.model.neck[1:],
    ],
)

# As with PVT-v2-b5.
_base_ = ['./tpavi_pvt_ms3.py', '../_base_/backbones/resnet50.py']
model = dict(
    backbone=dict(_base_.resnet50, _delete_=True),
    neck=[
        dict(_base_.model.neck[0], in_channels=[256, 512, 1024, 2048]),
        *_base_.model.neck[1:],
    ],
    decode_head=dict(with_cp=False),
)

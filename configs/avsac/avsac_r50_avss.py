# As with PVT-v2-b5.
_base_ = ['./avsac_pvt_avss.py', '../_base_/backbones/resnet50.py']
model = dict(
    backbone=dict(_base_.resnet50, _delete_=True),
    neck=dict(in_channels=[256, 512, 1024, 2048]),
)

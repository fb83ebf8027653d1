# AVSAC with ResNet-50 (arXiv 2402.02327), with the losses of S4 and MS3;
# 121.67 M weights with VGGish.
_base_ = './avsac_pvt.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/resnet50-19c8e357.pth'
        ),
    ),
    neck=dict(in_channels=[256, 512, 1024, 2048]),
)

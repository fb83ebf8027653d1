# AVSAC with ResNet-50 (arXiv 2402.02327), with the losses of S4 and MS3;
# 121.67 M weights with VGGish.
_base_ = ['./avsac_pvt.py', '../backbones/resnet50.py']
model = dict(
    backbone=dict(_base_.resnet50, _delete_=True),
    neck=dict(in_channels=[256, 512, 1024, 2048]),
)

# AVSegFormer with ResNet-50 (arXiv 2307.01146, Section 3, and the released
# code), with the losses of S4 and MS3; 126.74 M weights with VGGish.
_base_ = ['./avsegformer_pvt.py', '../backbones/resnet50.py']
model = dict(
    backbone=dict(_base_.resnet50, _delete_=True),
    decode_head=dict(in_channels=[256, 512, 1024, 2048]),
)

# AVSegFormer with ResNet-50 (arXiv 2307.01146, Section 3, and the released
# code), with the losses of S4 and MS3; 126.74 M weights with VGGish.
_base_ = './avsegformer_pvt.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,  # statistics are updated in training, as released
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/resnet50-19c8e357.pth'
        ),
    ),
    decode_head=dict(in_channels=[256, 512, 1024, 2048]),
)

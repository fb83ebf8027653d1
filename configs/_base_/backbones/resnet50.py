# ResNet-50 as in the AVSBench baseline.
resnet50 = dict(
    type='ResNet',
    depth=50,
    norm_cfg=dict(type='BN', requires_grad=True),
    norm_eval=False,  # statistics are updated in training, as released
    init_cfg=dict(
        type='Pretrained', checkpoint='pretrained/resnet50-19c8e357.pth'
    ),
)

# EfficientNet-Lite0 with ImageNet weights under the small neck and head of
# tiny.py; sound is learnt from scratch.
_base_ = './tiny.py'
channels = [24, 40, 112, 320]
data_preprocessor = dict(mean=[127.5] * 3, std=[127.5] * 3)
model = dict(
    data_preprocessor=data_preprocessor,
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite0',
        frozen_stages=2,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://github.com/rwightman/pytorch-image-models/'
            'releases/download/v0.1-weights/tf_efficientnet_lite0-0aa007d2.pth',
        ),
    ),
    neck=[
        dict(_base_.model.neck[0], in_channels=channels),
        _base_.model.neck[1],
    ],
)

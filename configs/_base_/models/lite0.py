# EfficientNet-Lite0 with ImageNet weights, frozen, under the small neck and
# head of tiny.py; its maps are kept in files. Sound is learnt from scratch.
_base_ = './tiny.py'
channels = [24, 40, 112, 320]
data_preprocessor = dict(mean=[127.5] * 3, std=[127.5] * 3)
lite0 = dict(
    type='EfficientNetLite0',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/rwightman/pytorch-image-models/'
        'releases/download/v0.1-weights/tf_efficientnet_lite0-0aa007d2.pth',
    ),
)
model = dict(
    data_preprocessor=data_preprocessor,
    backbone=dict(
        _delete_=True,
        type='CachedBackbone',
        backbone=lite0,
        cache_dir='data/cache/lite0',
    ),
    neck=[
        dict(_base_.model.neck[0], in_channels=channels),
        _base_.model.neck[1],
    ],
)

# AVS-BG with ResNet-50 (arXiv 2308.08288) and the losses of MS3; 27.61 M
# weights besides VGGish.
_base_ = ['./avsbg_pvt.py', '../backbones/resnet50.py']
model = dict(
    backbone=dict(_base_.resnet50, _delete_=True),
    neck=[
        dict(_base_.model.neck[0], in_channels=[256, 512, 1024, 2048]),
        *_base_.model.neck[1:],
    ],
)

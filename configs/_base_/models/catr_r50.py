# CATR with ResNet-50: reported (arXiv 2309.09709), but in no released file.
# The rest is as with PVT-v2-b5.
_base_ = './catr_pvt.py'
model = dict(
    backbone=dict(
        backbone=dict(
            _delete_=True,
            type='ResNet',
            depth=50,
            out_indices=(1, 2, 3),
            norm_cfg=dict(type='BN', requires_grad=True),
            norm_eval=False,  # as in the AVSBench baseline
            with_cp=True,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='pretrained/resnet50-19c8e357.pth',
            ),
        ),
    ),
    neck=[
        dict(
            type='DilatedSumNeck',
            in_channels=[512, 1024, 2048],
            out_channels=256,
        ),
        _base_.model.neck[1],
    ],
)

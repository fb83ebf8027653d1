# As with PVT-v2-b5.
_base_ = ['./catr_pvt_avss.py', '../_base_/backbones/resnet50.py']
model = dict(
    backbone=dict(
        backbone=dict(
            _base_.resnet50,
            _delete_=True,
            out_indices=(1, 2, 3),
            with_cp=True,
        ),
    ),
    neck=[
        dict(_base_.model.neck[0], in_channels=[512, 1024, 2048]),
        *_base_.model.neck[1:],
    ],
)

# CATR on a backbone of mmpretrain: any that returns strides 8, 16 and 32.
_base_ = ['./catr_pvt_ms3.py', '../_base_/backbones/convnext-t.py']
model = dict(
    backbone=dict(
        backbone=dict(
            _base_.convnext_t,
            _delete_=True,
            out_indices=[1, 2, 3],
            with_cp=True,
        ),
    ),
    neck=[
        dict(_base_.model.neck[0], in_channels=[192, 384, 768]),
        *_base_.model.neck[1:],
    ],
)

# AVS-BG with Swin-B, a backbone its released code offers.
_base_ = ['./avsbg_pvt_s4.py', '../_base_/backbones/swin-b.py']
model = dict(
    backbone=dict(_base_.swin_b, _delete_=True),
    neck=[
        dict(_base_.model.neck[0], in_channels=[128, 256, 512, 1024]),
        *_base_.model.neck[1:],
    ],
)

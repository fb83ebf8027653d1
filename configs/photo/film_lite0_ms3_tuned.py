# The backbone's later stages learn too, at a tenth of the rate: takes longer.
_base_ = './film_lite0_ms3.py'
model = dict(
    backbone=dict(_delete_=True, **_base_.lite0, frozen_stages=2),
)
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1)))
)

# AVIS, stage 2 with PVT-v2-b5 and VGGish.
_base_ = ['./avis_pvt.py', './avis_stage2.py']
model = dict(
    backbone=dict(init_cfg=None),  # it comes with stage 1
    **_base_.listening,
)

# AVIS, stage 2 with ResNet-50 and VGGish.
_base_ = ['./avis_r50.py', './avis_stage2.py']
model = dict(
    backbone=dict(init_cfg=None),  # it comes with stage 1
    **_base_.listening,
)

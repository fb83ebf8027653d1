# AVIS, segmentation network (stage 1) with ResNet-50 (arXiv 2307.16620,
# Section 6.3). Six transformer layers stand before the pixel decoder, as in
# MaskFormer's ResNets for panoptic segmentation: 45.04 M weights, where
# Table 5 says 45.52 (41.28 M without them).
_base_ = ['./avis_swin-b.py', '../backbones/resnet50.py']
model = dict(
    backbone=dict(
        _base_.resnet50,
        _delete_=True,
        norm_cfg=dict(type='BN', requires_grad=False),  # as MaskFormer's
        norm_eval=True,
    ),
    decode_head=dict(
        in_channels=[256, 512, 1024, 2048],
        pixel_decoder=dict(num_layers=6),
    ),
)

# AVIS, segmentation network (stage 1) with PVT-v2-b5 (arXiv 2307.16620,
# Section 6.3): 94.95 M weights, where Table 5 says 92.94.
_base_ = './avis_swin-b.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='PyramidVisionTransformerV2',
        variant='b5',
        drop_path_rate=0.1,  # AVSBench's
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/pvt_v2_b5.pth'
        ),
    ),
    decode_head=dict(in_channels=[64, 128, 320, 512]),
)

# AVIS, segmentation network (stage 1) with PVT-v2-b5 (arXiv 2307.16620,
# Section 6.3): 94.95 M weights, where Table 5 says 92.94.
_base_ = ['./avis_swin-b.py', '../backbones/pvt_v2_b5.py']
model = dict(
    backbone=dict(_base_.pvt_v2_b5, _delete_=True),
    decode_head=dict(in_channels=[64, 128, 320, 512]),
)

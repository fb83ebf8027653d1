# PVT-v2-b5 as in the AVSBench baseline.
pvt_v2_b5 = dict(
    type='PyramidVisionTransformerV2',
    variant='b5',
    drop_path_rate=0.1,  # as released
    init_cfg=dict(type='Pretrained', checkpoint='pretrained/pvt_v2_b5.pth'),
)

# Swin-B of mmseg, which normalises the map of each stage.
swin_b = dict(
    type='SwinTransformer',
    embed_dims=128,
    depths=(2, 2, 18, 2),
    num_heads=(4, 8, 16, 32),
    window_size=7,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='pretrained/'
        'swin_base_patch4_window7_224_20220317-e9b98025.pth',
    ),
)

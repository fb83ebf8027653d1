# The AVSBench baseline with TPAVI and PVT-v2-b5 (arXiv 2301.13190, Section 4
# and 5.1), with the binary loss of S4; 100.14 M weights besides VGGish.
data_preprocessor = dict(type='AVSDataPreProcessor')  # ImageNet mean and std
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='PyramidVisionTransformerV2',
        variant='b5',
        drop_path_rate=0.1,  # as released
        with_cp=True,  # recompute blocks: less memory, the same gradients
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/pvt_v2_b5.pth'
        ),
    ),
    audio_encoder=dict(
        type='VGGish',
        frozen=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/vggish-10086976.pth'
        ),
    ),
    neck=[
        dict(
            type='DilatedSumNeck',
            in_channels=[64, 128, 320, 512],
            out_channels=256,  # C of Section 5.1
        ),
        dict(type='TPAVI', in_channels=[256] * 4, audio_channels=128),
    ],
    decode_head=dict(
        type='AVSFPNHead',
        in_channels=[256] * 4,
        num_classes=2,
        with_cp=True,  # as the backbone
        loss_decode=dict(type='FrameBCELoss', on_probabilities=True),
    ),
    # Published numbers are scored at 224 px, the size of the input.
    test_cfg=dict(eval_size='input'),
)

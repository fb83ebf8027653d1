# The AVSBench baseline with TPAVI and ResNet-50 (arXiv 2301.13190, Section 4
# and 5.1), with the binary loss of S4; 68.16 M weights besides VGGish.
data_preprocessor = dict(type='AVSDataPreProcessor')  # ImageNet mean and std
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,  # statistics are updated in training, as released
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/resnet50-19c8e357.pth'
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
            in_channels=[256, 512, 1024, 2048],
            out_channels=256,
        ),  # C of Section 5.1
        dict(type='TPAVI', in_channels=[256] * 4, audio_channels=128),
    ],
    decode_head=dict(
        type='AVSFPNHead',
        in_channels=[256] * 4,
        num_classes=2,
        loss_decode=dict(type='FrameBCELoss', on_probabilities=True),
    ),
    # Published numbers are scored at 224 px, the size of the input.
    test_cfg=dict(eval_size='input'),
)

# The AVSBench baseline with TPAVI and ResNet-50 (arXiv 2301.13190, Section 4
# and 5.1), with the binary loss of S4; 68.16 M weights besides VGGish.
_base_ = './tpavi_pvt.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,  # statistics are updated in training, as released
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/resnet50-19c8e357.pth'
        ),
    ),
    neck=[
        dict(
            type='DilatedSumNeck',
            in_channels=[256, 512, 1024, 2048],
            out_channels=256,  # C of Section 5.1
        ),
        dict(type='TPAVI', in_channels=[256] * 4, audio_channels=128),
    ],
    decode_head=dict(with_cp=False),
)

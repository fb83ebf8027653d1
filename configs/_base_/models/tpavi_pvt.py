# The AVSBench baseline with TPAVI and PVT-v2-b5 (arXiv 2301.13190, Section 4
# and 5.1), with the binary loss of S4; 100.14 M weights besides VGGish.
_base_ = ['../backbones/pvt_v2_b5.py', '../audio_encoders/vggish.py']
data_preprocessor = dict(type='AVSDataPreProcessor')  # ImageNet mean and std
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        _base_.pvt_v2_b5,
        with_cp='ffn',  # recompute what is wide and cheap
    ),
    audio_encoder=_base_.vggish,
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

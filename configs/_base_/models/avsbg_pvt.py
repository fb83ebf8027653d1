# AVS-BG with PVT-v2-b5 (arXiv 2308.08288) and the losses of MS3; 85.19 M
# weights besides VGGish.
_base_ = ['../backbones/pvt_v2_b5.py', '../audio_encoders/vggish.py']
data_preprocessor = dict(type='AVSDataPreProcessor')  # ImageNet mean and std
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    # the published batch of 12 clips would hardly fit into 24 GB otherwise
    backbone=dict(_base_.pvt_v2_b5, with_cp='ffn'),
    audio_encoder=_base_.vggish,
    neck=[
        dict(
            type='ConvBNNeck',
            in_channels=[64, 128, 320, 512],
            out_channels=128,  # C of "Audio-Visual Fused Module"
        ),
        dict(type='AVCorrelation', in_channels=[128] * 4, audio_channels=128),
        dict(type='MotionCorrelation', num_scales=4),
    ],
    decode_head=dict(
        type='AVSFPNHead',
        in_channels=[128] * 4,
        channels=(64, 32),
        relu_skip=False,
        relu_first=False,
        upsample_mode='nearest',
        norm_cfg=dict(type='BN', requires_grad=True),
        num_classes=2,
        loss_decode=dict(type='StructureLoss'),  # FrameBCELoss: Eq. 3
    ),
    auxiliary_losses=[
        dict(
            type='VisualToAudioLoss',
            features='neck',
            in_channels=128,
            audio_channels=128,
            feature_size=7,  # h_4 = w_4, of frames of 224 px
            mask='ground_truth',
            loss_weight=1.0,  # eta, Table 1
        ),
        dict(
            type='AudioVisualMappingLoss',
            features='neck.1',  # before the motion gate, as released
            normalize=True,  # as released
            loss_weight=0.5,  # lambda, Section "Loss objective"
        ),
    ],
    # Published numbers are scored at 224 px, the size of the input.
    test_cfg=dict(eval_size='input'),
)

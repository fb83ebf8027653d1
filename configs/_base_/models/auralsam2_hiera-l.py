# AuralSAM2 with SAM 2.0's Hiera-L (arXiv 2506.01015 and the released code):
# 224.43 M weights of SAM 2 and 130.42 M of the fuser, VGGish included, as
# released; what is never used is not built.
_base_ = '../audio_encoders/vggish.py'
sam2 = dict(type='Pretrained', checkpoint='pretrained/sam2_hiera_large.pt')
data_preprocessor = dict(type='AVSDataPreProcessor', size_divisor=32)
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=dict(type='SAM2Hiera', arch='l', frozen=True, init_cfg=sam2),
    audio_encoder=dict(
        type='PerChannelEncoder',  # left and right
        num_channels=2,
        encoder=_base_.vggish,
    ),
    neck=[
        dict(
            type='SAM2FPN',
            in_channels=[144, 288, 576, 1152],
            out_channels=256,
            frozen=True,
            init_cfg=sam2,
        ),
        dict(
            type='AuralFuser',
            in_channels=[256] * 3,
            audio_channels=256,
            scrambled=True,  # as released
        ),
    ],
    decode_head=dict(
        type='SAM2MaskHead',
        embed_dims=256,
        frozen=True,
        init_cfg=sam2,
        mask_choice='iou',  # by which released checkpoints were chosen
        loss_mask=dict(type='SAM2MaskLoss'),
    ),
    auxiliary_losses=[dict(type='AudioVisualContrastiveLoss')],
    # Published numbers are scored at 1024 px, the size of the input.
    test_cfg=dict(eval_size='input'),
)

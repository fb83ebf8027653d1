# AVSegFormer with PVT-v2-b5 (arXiv 2307.01146, Section 3, and the released
# code), with the losses of S4 and MS3; 183.95 M weights with VGGish.
_base_ = ['../backbones/pvt_v2_b5.py', '../audio_encoders/vggish.py']
data_preprocessor = dict(type='AVSDataPreProcessor')  # ImageNet mean and std
dice = dict(
    type='FrameDiceLoss',
    squared=True,
    smooth_nr=0.0,
    smooth_dr=0.002,
    skip_empty=False,
)
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=_base_.pvt_v2_b5,
    audio_encoder=_base_.vggish,
    decode_head=dict(
        type='AVSegFormerHead',
        in_channels=[64, 128, 320, 512],
        audio_channels=128,
        embed_dims=256,
        encoder=dict(num_layers=6),
        queries=dict(num_queries=300),
        decoder=dict(num_layers=6),
        num_classes=2,
        loss_decode=dice,
        loss_mix=dict(loss_weight=0.1, loss_name='loss_mix', **dice),
    ),
    # Published numbers are scored at the size of the input.
    test_cfg=dict(eval_size='input'),
)

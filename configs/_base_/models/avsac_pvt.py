# AVSAC with PVT-v2-b5 (arXiv 2402.02327), with the losses of S4 and MS3;
# 178.88 M weights with VGGish.
_base_ = ['../backbones/pvt_v2_b5.py', '../audio_encoders/vggish.py']
data_preprocessor = dict(type='AVSDataPreProcessor')  # ImageNet mean and std
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=_base_.pvt_v2_b5,  # drop_path_rate: Table 6
    audio_encoder=_base_.vggish,
    neck=dict(
        type='AVBridge',
        in_channels=[64, 128, 320, 512],
        audio_channels=128,
        embed_dims=256,  # Table 6
        with_cp=True,  # the published batch would not fit into 24 GB
        encoder=dict(num_layers=6),  # Section 4.3
        queries=dict(num_queries=300),  # Table 6
        decoder=dict(
            num_layers=6,  # N, Tables 5 and 6
            direction='both',  # Table 3
        ),
    ),
    decode_head=dict(
        type='BAVDHead',
        with_cp=True,
        embed_dims=256,
        num_queries=300,
        num_classes=2,
        loss_decode=[  # Section 3.4
            dict(type='SigmoidFocalLoss', alpha=0.25, gamma=2.0),
            dict(
                type='FrameDiceLoss',
                squared=True,
                smooth_nr=0.0,
                smooth_dr=0.002,
                skip_empty=False,
            ),
        ],
    ),
    auxiliary_losses=[
        dict(type='AVFSLoss', features='neck', axis='channel')  # Eq. 4
    ],
    # AVSegFormer's code, on which AVSAC builds, is scored at the input's size.
    test_cfg=dict(eval_size='input'),
)
# "We freeze the parameters of visual and audio backbones" (Section 4.3).
# No more is said, so paths are dropped and batch norm adapts, as in
# AVSegFormer's code; eval_mode=True keeps both as they are in evaluation.
custom_hooks = [dict(type='FreezeBackboneHook', num_epochs=None)]

# TPAVI on a backbone of mmpretrain: any that returns four maps will do.
_base_ = './tpavi_r50_ms3.py'
custom_imports = dict(
    imports=['mmpretrain.models'], allow_failed_imports=False
)
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.ConvNeXt',
        arch='tiny',
        out_indices=[0, 1, 2, 3],
        drop_path_rate=0.1,
        gap_before_final_norm=False,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmclassification/v0/'
            'convnext/downstream/convnext-tiny_3rdparty_32xb128-noema_in1k_'
            '20220301-795e9634.pth',
            prefix='backbone.',
        ),
    ),
    neck=[
        dict(
            type='DilatedSumNeck',
            in_channels=[96, 192, 384, 768],
            out_channels=256,
        ),
        dict(type='TPAVI', in_channels=[256] * 4, audio_channels=128),
    ],
)

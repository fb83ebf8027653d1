# CATR on a backbone of mmpretrain: any that returns strides 8, 16 and 32.
_base_ = './catr_pvt_ms3.py'
custom_imports = dict(
    imports=['mmpretrain.models'], allow_failed_imports=False
)
model = dict(
    backbone=dict(
        backbone=dict(
            _delete_=True,
            type='mmpretrain.ConvNeXt',
            arch='tiny',
            out_indices=[1, 2, 3],
            drop_path_rate=0.1,
            gap_before_final_norm=False,
            with_cp=True,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='https://download.openmmlab.com/mmclassification/'
                'v0/convnext/downstream/convnext-tiny_3rdparty_32xb128-noema_'
                'in1k_20220301-795e9634.pth',
                prefix='backbone.',
            ),
        ),
    ),
    neck=[
        dict(
            type='DilatedSumNeck',
            in_channels=[192, 384, 768],
            out_channels=256,
        ),
        _base_.model.neck[1],
    ],
)

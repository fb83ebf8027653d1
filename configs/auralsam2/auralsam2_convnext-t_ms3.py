# AuralSAM2's fuser and head on a backbone that SAM 2 was not trained with: any
# of strides 4, 8, 16 and 32. What was frozen is trained.
_base_ = './auralsam2_hiera-t_ms3.py'
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
        with_cp=True,
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
            _base_.model.neck[0],
            in_channels=[96, 192, 384, 768],
            frozen=False,
        ),
        _base_.model.neck[1],
    ],
    decode_head=dict(frozen=False),
)

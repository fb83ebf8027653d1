# ConvNeXt-T of mmpretrain.
custom_imports = dict(
    imports=['mmpretrain.models'], allow_failed_imports=False
)
convnext_t = dict(
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
)

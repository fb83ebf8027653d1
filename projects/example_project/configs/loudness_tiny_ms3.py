_base_ = '../../../configs/synthetic/film_tiny_ms3.py'
custom_imports = dict(
    imports=['projects.example_project.loudness'], allow_failed_imports=False
)
model = dict(
    neck=[
        dict(
            type='ChannelAlign',
            in_channels=[16, 32, 64, 128],
            out_channels=32,
            norm_cfg=dict(type='BN', requires_grad=True),
        ),
        dict(type='LoudnessGate', in_channels=[32] * 4),
    ]
)

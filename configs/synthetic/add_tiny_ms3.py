# Sound added to every pixel of every scale ('A + V').
_base_ = './film_tiny_ms3.py'
align = dict(
    type='ChannelAlign',
    in_channels=[16, 32, 64, 128],
    out_channels=48,
    norm_cfg=dict(type='BN', requires_grad=True),
)
model = dict(
    neck=[align, dict(type='AddAudio', in_channels=[48] * 4)],
)

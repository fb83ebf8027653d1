# The same model without sound: the floor that every fusion must clear.
_base_ = './film_tiny_ms3.py'
align = dict(
    type='ChannelAlign',
    in_channels=[16, 32, 64, 128],
    out_channels=48,
    norm_cfg=dict(type='BN', requires_grad=True),
)
model = dict(
    audio_encoder=None,
    neck=[align],
)

# Sound scales and shifts the channels of every pixel (FiLM).
_base_ = './add_tiny_avss.py'
model = dict(
    neck=[
        _base_.model.neck[0],
        dict(type='AudioFiLM', in_channels=[32] * 4, audio_channels=128),
    ],
)

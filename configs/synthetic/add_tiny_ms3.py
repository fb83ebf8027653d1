# Sound added to every pixel of every scale ('A + V').
_base_ = './film_tiny_ms3.py'
model = dict(
    neck=[_base_.model.neck[0], dict(type='AddAudio', in_channels=[32] * 4)],
)

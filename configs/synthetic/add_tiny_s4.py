# Sound added to every pixel of every scale ('A + V').
_base_ = [
    '../_base_/models/tiny.py',
    '../_base_/datasets/synthetic_s4.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
model = dict(
    neck=[_base_.model.neck[0], dict(type='AddAudio', in_channels=[32] * 4)],
)

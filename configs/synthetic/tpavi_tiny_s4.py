# TPAVI; model.neck.1.window=1 lets each frame hear its own second only.
_base_ = [
    '../_base_/models/tiny.py',
    '../_base_/datasets/synthetic_s4.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
model = dict(
    neck=[_base_.model.neck[0], dict(type='TPAVI', in_channels=[32] * 4)],
)

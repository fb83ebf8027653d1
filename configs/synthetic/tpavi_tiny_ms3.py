# TPAVI; model.neck.1.window=1 lets each frame hear its own second only.
_base_ = './film_tiny_ms3.py'
model = dict(
    neck=[_base_.model.neck[0], dict(type='TPAVI', in_channels=[32] * 4)],
)

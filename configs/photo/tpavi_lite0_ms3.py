# TPAVI; each frame hears its own second only, since sounds change.
_base_ = './film_lite0_ms3.py'
model = dict(
    neck=[
        _base_.model.neck[0],
        dict(type='TPAVI', in_channels=[48] * 3, window=1),
    ],
)

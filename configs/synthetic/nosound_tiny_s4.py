# The same model without sound: the floor that every fusion must clear.
_base_ = [
    '../_base_/models/tiny.py',
    '../_base_/datasets/synthetic_s4.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
model = dict(
    audio_encoder=None,
    neck=[_base_.model.neck[0]],
)

# The same model without sound: the floor that every fusion must clear.
_base_ = './add_tiny_avss.py'
model = dict(
    audio_encoder=None,
    neck=[_base_.model.neck[0]],
)

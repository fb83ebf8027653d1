# The same model without sound: the floor that every fusion must clear.
_base_ = './film_lite0_ms3.py'
model = dict(
    audio_encoder=None,
    neck=[_base_.model.neck[0]],
    auxiliary_losses=[],
)

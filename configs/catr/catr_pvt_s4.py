# As released, slips included: the one configuration that was.
_base_ = [
    '../_base_/models/catr_pvt.py',
    '../_base_/datasets/avsbench_s4_affine.py',
    '../_base_/schedules/catr_100e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    neck=[
        _base_.model.neck[0],
        dict(_base_.model.neck[1], as_released=True),
    ],
    decode_head=dict(as_released=True),
)

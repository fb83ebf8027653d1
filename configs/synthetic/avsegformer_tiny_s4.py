# AVSegFormer, small, on synthetic S4.
_base_ = [
    '../_base_/models/tiny_avsegformer.py',
    '../_base_/datasets/synthetic_s4.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
optim_wrapper = dict(optimizer=dict(lr=1e-3))

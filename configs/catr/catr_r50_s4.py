_base_ = [
    '../_base_/models/catr_r50.py',
    '../_base_/datasets/avsbench_s4_affine.py',
    '../_base_/schedules/catr_100e.py',
    '../_base_/default_runtime.py',
]

# AVSegFormer, small, on synthetic MS3.
_base_ = [
    '../_base_/models/tiny_avsegformer.py',
    '../_base_/datasets/synthetic_ms3.py',
    '../_base_/schedules/tiny_transformer.py',
    '../_base_/default_runtime.py',
]

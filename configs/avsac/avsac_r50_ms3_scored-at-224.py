# avsac_r50_ms3.py, scored at the 224 px of the files.
_base_ = [
    '../_base_/models/avsac_r50.py',
    '../_base_/datasets/avsbench_ms3_512_scored-at-224.py',
    '../_base_/schedules/adamw_60e.py',
    '../_base_/default_runtime.py',
]
model = dict(test_cfg=dict(eval_size='original'))
train_dataloader = dict(batch_size=4)  # in all, Table 6
test_evaluator = dict(clips_per_batch=2)

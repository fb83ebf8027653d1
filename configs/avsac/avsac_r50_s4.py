# 512 px, so that the AGV decoder has the 5376 tokens of Table 6, and scored
# there, as AVSegFormer's code. The paper's text says 224 px input:
# avsac_r50_s4_224.py.
_base_ = [
    '../_base_/models/avsac_r50.py',
    '../_base_/datasets/avsbench_s4_512.py',
    '../_base_/schedules/adamw_60e.py',
    '../_base_/default_runtime.py',
]
train_cfg = dict(max_epochs=30)
train_dataloader = dict(batch_size=4)  # in all, Table 6
test_evaluator = dict(clips_per_batch=2)

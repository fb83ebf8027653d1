# 224 px, as the paper's text has it; the AGV decoder has 1029 tokens.
_base_ = [
    '../_base_/models/avsac_pvt.py',
    '../_base_/datasets/avsbench_s4.py',
    '../_base_/schedules/adamw_60e.py',
    '../_base_/default_runtime.py',
]
# the published batch fits into 24 GB as it is
model = dict(neck=dict(with_cp=False), decode_head=dict(with_cp=False))
train_cfg = dict(max_epochs=30)
train_dataloader = dict(batch_size=4)  # in all, Table 6
test_evaluator = dict(clips_per_batch=2)

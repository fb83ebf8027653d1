_base_ = [
    '../_base_/models/avsegformer_pvt.py',
    '../_base_/datasets/avsbench_ms3_512.py',
    '../_base_/schedules/adamw_60e.py',
    '../_base_/default_runtime.py',
]
# two clips of five labelled frames would not fit into 24 GB otherwise
model = dict(backbone=dict(with_cp='ffn'), decode_head=dict(with_cp=True))
custom_hooks = [dict(type='FreezeBackboneHook', num_epochs=10)]
train_dataloader = dict(batch_size=2)
auto_scale_lr = dict(base_batch_size=2)
test_evaluator = dict(clips_per_batch=2)

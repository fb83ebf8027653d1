# Small AVIS, stage 1: find what could sound, without hearing anything. Without
# L_soas: model.decode_head.loss_silent.loss_weight=0. Give the weights of
# avis_tiny_ms3_pretrain.py:
#   --cfg-options load_from=work_dirs/avis_tiny_ms3_pretrain/epoch_6.pth
_base_ = './avis_tiny_s4_stage1.py'
train_pipeline = [
    dict(type='PickFrame'),
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='LoadFrameMask'),
            dict(type='LoadCategoryMap'),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='PackAVSInputs'),
]
source = dict(
    type='AVSBenchMS3Dataset', data_root='data/synthetic-64px/Multi-sources/'
)
train_dataloader = dict(
    dataset=dict(dataset=dict(pipeline=train_pipeline, **source))
)
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)
max_epochs = 2  # of 5000 frames
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_epochs

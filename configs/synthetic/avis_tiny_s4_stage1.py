# Small AVIS, stage 1: find what could sound, without hearing anything. Without
# L_soas: model.decode_head.loss_silent.loss_weight=0. Give the weights of
# avis_tiny_ms3_pretrain.py:
#   --cfg-options load_from=work_dirs/avis_tiny_ms3_pretrain/epoch_6.pth
_base_ = [
    '../_base_/models/tiny.py',
    '../_base_/datasets/synthetic_s4.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
load_from = 'pretrained/avis_tiny.pth'
load_frames = [
    dict(type='LoadFrame'),
    dict(type='LoadFrameMask'),
]
train_pipeline = [
    dict(type='PickFrame'),
    dict(
        type='ForEachFrame',
        transforms=[*load_frames, dict(type='RandomFlip', prob=0.5)],
    ),
    dict(type='PackAVSInputs'),
]
train_dataloader = dict(
    batch_size=32,  # frames
    dataset=dict(
        _delete_=True,
        type='SingleFrames',
        dataset=dict(
            type='AVSBenchS4Dataset',
            data_root='data/synthetic-64px/Single-source/',
            split='train',
            pipeline=train_pipeline,
        ),
    ),
)
auto_scale_lr = dict(base_batch_size=32)
model = dict(
    audio_encoder=None,
    neck=[],
    # queries look at the coarsest map: 8 x 8 instead of 2 x 2
    backbone=dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)),
    decode_head=dict(
        _delete_=True,
        type='SoundingInstanceHead',
        in_channels=[16, 32, 64, 128],
        num_queries=20,
        embed_dims=64,
        num_heads=4,
        dropout=0.0,
        decoder=dict(num_layers=3, ffn_channels=128),
        deep_supervision=True,  # queries learn from scratch in few steps
        loss_silent=dict(type='SilentObjectLoss', loss_weight=1.0),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4))  # the paper's, Section 4.1
max_epochs = 10  # of 1000 frames
train_cfg = dict(max_epochs=max_epochs, val_interval=5)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = 20
param_scheduler[1].end = max_epochs

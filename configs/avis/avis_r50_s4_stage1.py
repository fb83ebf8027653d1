# Stage 1 of AVIS: find every potential sounding object. No sound is heard.
_base_ = [
    '../_base_/models/avis_r50.py',
    '../_base_/datasets/avsbench_s4_frames.py',
    '../_base_/schedules/avis_stage1.py',
    '../_base_/default_runtime.py',
]
train_pipeline = [dict(type='PickFrame'), *_base_.load_frames]
train_dataloader = dict(
    batch_size=32,  # frames, Section 4.1
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)
train_cfg = dict(max_epochs=15)

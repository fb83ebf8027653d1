# Stage 1 of AVIS: find every potential sounding object. No sound is heard.
# MS3 names no categories: make maps of them first with
# tools/dataset_converters/ms3_categories.py.
_base_ = [
    '../_base_/models/avis_r50.py',
    '../_base_/datasets/avsbench_ms3_frames.py',
    '../_base_/schedules/avis_stage1.py',
    '../_base_/default_runtime.py',
]
train_pipeline = [
    dict(type='PickFrame'),
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='LoadFrameMask'),
            dict(type='LoadCategoryMap'),
            dict(type='Resize', scale=(224, 224), keep_ratio=False),
        ],
    ),
    dict(type='PackAVSInputs'),
]
train_dataloader = dict(
    batch_size=32,  # frames, Section 4.1
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)

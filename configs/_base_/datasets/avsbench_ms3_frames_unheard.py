# AVSBench MS3 as single frames (avsbench_ms3_frames.py) without their sound,
# for the first stage of AVIS. MS3 names no categories: make maps of them first
# with tools/dataset_converters/ms3_categories.py.
_base_ = './avsbench_ms3_frames.py'
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
    batch_size=32,  # frames, arXiv 2307.16620, Section 4.1
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)

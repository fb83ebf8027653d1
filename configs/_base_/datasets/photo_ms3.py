# Photographs and recordings in MS3's layout at 112 px, composed by `make
# photo`, or by the command under "Speed" in docs/en/composed.md.
_base_ = './synthetic_ms3.py'
data_root = 'data/photo-112px/Multi-sources/'
synthetic_set = dict(size=112, clips=dict(train=1200, val=40, test=200))

test_pipeline = [
    *_base_.load_pipeline,
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='Resize', scale=(112, 112), keep_ratio=False),
            dict(type='LoadFrameMask'),
        ],
    ),
    dict(type='PackAVSInputs'),
]
# mirrored at random when they are composed, so not once more here
train_pipeline = [
    *_base_.load_pipeline,
    dict(
        type='ForEachFrame',
        transforms=[dict(type='LoadFrame'), dict(type='LoadFrameMask')],
    ),
    dict(type='PackAVSInputs'),
]
train_dataloader = dict(
    dataset=dict(data_root=data_root, pipeline=train_pipeline)
)
val_dataloader = dict(
    dataset=dict(data_root=data_root, pipeline=test_pipeline)
)
test_dataloader = dict(
    dataset=dict(data_root=data_root, pipeline=test_pipeline)
)

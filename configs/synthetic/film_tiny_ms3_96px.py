# The model that is part of the package: as film_tiny_ms3.py, wider, and for
# frames of 96 px.
#   python tools/dataset_converters/synthesize_avsbench.py \
#     --out data/synthetic-96px --settings ms3 --size 96 \
#     --clips train=3000 val=40 test=200
_base_ = './film_tiny_ms3.py'
synthetic_set = dict(size=96, clips=dict(train=3000, val=40, test=200))
width = 48
model = dict(
    backbone=dict(stem_channels=16),
    audio_encoder=dict(channels=(16, 32, 48, 64)),
    neck=[
        dict(_base_.model.neck[0], out_channels=width),
        dict(_base_.model.neck[1], in_channels=[width] * 4),
    ],
    decode_head=dict(in_channels=[width] * 4, channels=(32, 32)),
)
test_pipeline = [
    *_base_.load_pipeline,
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='Resize', scale=(96, 96), keep_ratio=False),
            dict(type='LoadFrameMask'),
        ],
    ),
    dict(type='PackAVSInputs'),
]
source = dict(data_root='data/synthetic-96px/Multi-sources/')
scored = dict(source, pipeline=test_pipeline)
train_dataloader = dict(dataset=source)
val_dataloader = dict(dataset=scored)
test_dataloader = dict(dataset=scored)

# The synthetic AVSBench-semantic at 64 px: the ten of the 71 classes that
# occur in it, and background; 5 or 10 frames.
#   python tools/dataset_converters/synthesize_avsbench.py \
#     --out data/synthetic-64px --settings avss --size 64 \
#     --clips train=1000 val=40 test=200
_base_ = './synthetic_ms3.py'
load_audio = [
    dict(type='LoadAudio'),
    dict(
        type='VGGishLogMel',
        short_policy='zeros',
        cache_dir='data/cache/log_mel',
    ),
]
# 4:3 frames are squeezed, as the benchmark's test frames are
load_frame = [
    dict(type='LoadFrame'),
    dict(type='LoadFrameMask'),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
]
train_pipeline = [
    *load_audio,
    dict(
        type='ForEachFrame',
        transforms=[*load_frame, dict(type='RandomFlip', prob=0.5)],
    ),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    *load_audio,
    dict(type='ForEachFrame', transforms=load_frame),
    dict(type='PackAVSInputs'),
]
classes = (
    'background',
    'baby',
    'bell',
    'bird',
    'emergency-car',
    'gun',
    'helicopter',
    'keyboard',
    'mower',
    'violin',
    'woman',
)
source = dict(
    type='AVSBenchSemanticDataset',
    data_root='data/synthetic-64px/AVSBench-semantic/',
    metainfo=dict(classes=classes),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **source))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **source))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline, **source))
val_evaluator = dict(_delete_=True, type='AVSSMetric')
test_evaluator = val_evaluator

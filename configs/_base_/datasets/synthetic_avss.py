# The synthetic AVSBench-semantic at 96 px: 71 classes, 5 or 10 frames.
#   python tools/dataset_converters/synthesize_avsbench.py \
#     --out data/synthetic-96px --settings avss --size 96 \
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
    dict(type='Resize', scale=(96, 96), keep_ratio=False),
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
source = dict(
    type='AVSBenchSemanticDataset',
    data_root='data/synthetic-96px/AVSBench-semantic/',
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **source))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **source))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline, **source))
# ten of the 71 classes occur here; absent ones would only dilute the mean
val_evaluator = dict(_delete_=True, type='AVSSMetric')
test_evaluator = val_evaluator

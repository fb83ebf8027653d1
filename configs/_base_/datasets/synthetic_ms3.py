# The synthetic MS3 set at 64 px, made by `make quickstart` or by
#   python tools/dataset_converters/synthesize_avsbench.py \
#     --out data/synthetic-64px --settings ms3 --size 64 \
#     --clips train=1000 val=40 test=200
_base_ = './clip_loaders.py'
dataset_type = 'AVSBenchMS3Dataset'
data_root = 'data/synthetic-64px/Multi-sources/'
# what `--synthetic` makes if nothing is there
synthetic_set = dict(size=64, clips=dict(train=1000, val=40, test=200))

load_pipeline = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', cache_dir='data/cache/log_mel'),
]
train_pipeline = [
    *load_pipeline,
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='LoadFrameMask'),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    *load_pipeline,
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            # changes nothing here; for videos of other sizes
            dict(type='Resize', scale=(64, 64), keep_ratio=False),
            dict(type='LoadFrameMask'),
        ],
    ),
    dict(type='PackAVSInputs'),
]
loader = dict(batch_size=8, num_workers=1)
source = dict(type=dataset_type, data_root=data_root)
scored = dict(source, pipeline=test_pipeline)
train_dataloader = dict(loader, dataset=dict(source, pipeline=train_pipeline))
val_dataloader = dict(loader, dataset=scored)
test_dataloader = dict(loader, dataset=scored)
val_evaluator = dict(type='AVSMetric', clips_per_batch=1)
test_evaluator = val_evaluator

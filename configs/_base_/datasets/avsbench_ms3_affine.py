# AVSBench MS3 at 224 px, training clips turned, scaled, slanted and flipped as
# a whole, as in CATR's released code for S4 (arXiv 2309.09709).
_base_ = './avsbench_ms3.py'
train_pipeline = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', cache_dir=_base_.log_mel_cache),
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='LoadFrameMask'),
            dict(type='RandomAffine'),
            dict(type='Resize', scale=_base_.scale, keep_ratio=False),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='PackAVSInputs'),
]
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
test_evaluator = dict(clips_per_batch=1)

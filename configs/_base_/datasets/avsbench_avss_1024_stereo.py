# AVSBench-semantic, all three parts, at 1024 px, sound in two channels, its
# classes merged into one that sounds, for AuralSAM2 (its v2): frames by
# bicubic, masks by nearest interpolation. Training clips are flipped, turned,
# slanted and now and then grey, as a whole (arXiv 2506.01015, released code).
_base_ = './avsbench_avss.py'
scale = (1024, 1024)
load_audio = [
    dict(type='LoadAudio', channels=2),
    dict(
        type='VGGishLogMel',
        short_policy='zeros',
        cache_dir=_base_.log_mel_cache,
    ),
]
load_frame = [
    dict(type='LoadFrame', imdecode_backend='pillow'),
    dict(type='LoadFrameMask'),
    dict(type='MergeClasses'),
]
train_pipeline = [
    *load_audio,
    dict(
        type='ForEachFrame',
        transforms=[
            *load_frame,
            dict(type='RandomFlip', prob=0.5),
            dict(
                type='RandomAffine',
                max_degrees=25.0,
                scale_range=(1.0, 1.0),
                max_shear_degrees=20.0,
                bilinear=True,
                fill=(103, 116, 123),  # BGR
            ),
            dict(
                type='Resize',
                scale=scale,
                keep_ratio=False,
                interpolation='bilinear',
            ),
            dict(type='RandomGrayscale', prob=0.05, keep_channels=True),
        ],
    ),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    *load_audio,
    dict(
        type='ForEachFrame',
        transforms=[
            *load_frame,
            dict(
                type='Resize',
                scale=scale,
                keep_ratio=False,
                interpolation='bicubic',
            ),
        ],
    ),
    dict(type='PackAVSInputs'),
]
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_evaluator = dict(
    _delete_=True, type='AVSMetric', protocol='avsbench', clips_per_batch=1
)
test_evaluator = val_evaluator

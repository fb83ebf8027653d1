# AVSBench-semantic, all three parts, at 1024 px, sound in two channels, its
# classes merged into one that sounds, for AuralSAM2 (its v2).
_base_ = ['./avsbench_avss.py', './frames_1024.py']
load_audio = [dict(type='LoadAudio', channels=2), _base_.load_audio[1]]
load_frame = [*_base_.load_frame, dict(type='MergeClasses')]
train_pipeline = [
    *load_audio,
    dict(
        type='ForEachFrame',
        transforms=[
            *load_frame,
            *_base_.train_frames,
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
            *_base_.test_frames,
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

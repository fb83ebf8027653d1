# AVSBench S4 at 1024 px with sound in two channels, for AuralSAM2.
_base_ = ['./avsbench_s4.py', './frames_1024.py']
load_audio = [
    dict(type='LoadAudio', channels=2),
    dict(type='VGGishLogMel', cache_dir=_base_.log_mel_cache),
]
load_frame = [dict(type='LoadFrame'), dict(type='LoadFrameMask')]
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
test_evaluator = dict(clips_per_batch=1)

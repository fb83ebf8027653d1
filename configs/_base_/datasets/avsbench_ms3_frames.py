# AVSBench MS3 as single frames: a training batch holds labelled frames of as
# many clips, each with its own second of sound. Whole clips in val and test.
_base_ = './avsbench_ms3.py'
dataset_type = 'AVSBenchMS3Dataset'
data_root = 'data/avsbench/Multi-sources/'
scale = (224, 224)

load_audio = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', cache_dir='data/cache/log_mel'),
]
load_frames = [
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='LoadFrameMask'),
            dict(type='Resize', scale=scale, keep_ratio=False),
        ],
    ),
    dict(type='PackAVSInputs'),
]
train_pipeline = [*load_audio, dict(type='PickFrame'), *load_frames]
train_dataloader = dict(
    batch_size=64,  # frames
    dataset=dict(
        _delete_=True,
        type='SingleFrames',
        dataset=dict(
            type=dataset_type,
            data_root=data_root,
            split='train',
            pipeline=train_pipeline,
        ),
    ),
)
# The paper does not say how many clips F is averaged over: one.
test_evaluator = dict(clips_per_batch=1)

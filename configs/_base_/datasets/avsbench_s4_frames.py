# AVSBench S4 as single frames: a training batch holds labelled frames of as
# many clips, each with its own second of sound. Whole clips in val and test.
_base_ = './avsbench_s4.py'
dataset_type = 'AVSBenchS4Dataset'
data_root = 'data/avsbench/Single-source/'
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
    batch_size=64,  # frames, arXiv 2307.16620, Section 4.1
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

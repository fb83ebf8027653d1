# AVSBench S4 as single frames (avsbench_s4_frames.py), with filterbanks for
# BEATs: one second at 16 kHz becomes 98 x 128 (arXiv 2307.16620, Section 4.1).
_base_ = './avsbench_s4_frames.py'
load_audio = [
    dict(type='LoadAudio', sample_rate=16000),
    dict(type='BEATsFbank', cache_dir='data/cache/fbank'),
]
load_frames = _base_.load_frames
train_pipeline = [*load_audio, dict(type='PickFrame'), *load_frames]
test_pipeline = [*load_audio, *load_frames]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

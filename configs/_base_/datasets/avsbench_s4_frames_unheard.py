# AVSBench S4 as single frames (avsbench_s4_frames.py) without their sound, for
# the first stage of AVIS.
_base_ = './avsbench_s4_frames.py'
train_pipeline = [dict(type='PickFrame'), *_base_.load_frames]
train_dataloader = dict(
    batch_size=32,  # frames, arXiv 2307.16620, Section 4.1
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)

# AVSBench MS3 as single frames, with filterbanks for BEATs. All else is as for
# S4.
_base_ = './avsbench_s4_frames_beats.py'
dataset_type = 'AVSBenchMS3Dataset'
data_root = 'data/avsbench/Multi-sources/'
source = dict(type=dataset_type, data_root=data_root)
train_dataloader = dict(dataset=dict(dataset=source))
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)

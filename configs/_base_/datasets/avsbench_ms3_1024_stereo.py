# AVSBench MS3 at 1024 px with sound in two channels, for AuralSAM2. All else
# is as for S4.
_base_ = './avsbench_s4_1024_stereo.py'
dataset_type = 'AVSBenchMS3Dataset'
data_root = 'data/avsbench/Multi-sources/'
source = dict(type=dataset_type, data_root=data_root)
train_dataloader = dict(dataset=source)
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)

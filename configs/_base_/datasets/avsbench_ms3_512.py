# AVSBench MS3 enlarged to 512 px, five labelled frames per clip. All else, the
# size of the ground truth above all, is as for S4.
_base_ = './avsbench_s4_512.py'
dataset_type = 'AVSBenchMS3Dataset'
data_root = 'data/avsbench/Multi-sources/'
source = dict(type=dataset_type, data_root=data_root)
train_dataloader = dict(dataset=source)
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)

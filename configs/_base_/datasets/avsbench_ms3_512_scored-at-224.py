# AVSBench MS3 enlarged to 512 px for the network, scored at the size of the
# files (224 px), as for S4.
_base_ = './avsbench_s4_512_scored-at-224.py'
dataset_type = 'AVSBenchMS3Dataset'
data_root = 'data/avsbench/Multi-sources/'
source = dict(type=dataset_type, data_root=data_root)
train_dataloader = dict(dataset=source)
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)

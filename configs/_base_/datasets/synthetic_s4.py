# The synthetic S4 set at 64 px: training supervises the first frame only.
#   python tools/dataset_converters/synthesize_avsbench.py \
#     --out data/synthetic-64px --settings s4 --size 64 \
#     --clips train=1000 val=40 test=200
_base_ = './synthetic_ms3.py'
source = dict(
    type='AVSBenchS4Dataset', data_root='data/synthetic-64px/Single-source/'
)
train_dataloader = dict(dataset=source)
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)

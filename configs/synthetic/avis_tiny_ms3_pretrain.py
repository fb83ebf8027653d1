# What COCO is to the large AVIS: every visible object labelled, nothing to
# hear. Both stages of the small one start from here.
#   python tools/dataset_converters/synthesize_avsbench.py \
#     --out data/synthetic-64px --settings all --size 64 \
#     --clips train=2000 val=40 test=40
_base_ = './avis_tiny_ms3_stage1.py'
synthetic_set = dict(clips=dict(train=2000, val=40, test=40))
source = dict(data_root='data/synthetic-64px/All-sources/')
train_dataloader = dict(dataset=dict(dataset=source))
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)
load_from = None
model = dict(decode_head=dict(loss_silent=None))
# 2e-3, as for the other small models, breaks the transformer
optim_wrapper = dict(optimizer=dict(lr=4e-4))
max_epochs = 6  # of 10000 frames
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = 60
param_scheduler[1].end = max_epochs

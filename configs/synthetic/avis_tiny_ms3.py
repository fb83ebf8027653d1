# Small AVIS, stage 2: the sound chooses among what stage 1 found. Give the
# best checkpoint of avis_tiny_ms3_stage1.py:
#   --cfg-options load_from=work_dirs/avis_tiny_ms3_stage1/best_mIoU_....pth
# Without AVSC (the highest-scored object): model.decode_head.avsc=None.
_base_ = './avis_tiny_s4.py'
load_from = 'pretrained/avis_tiny_ms3_stage1.pth'
source = dict(
    type='AVSBenchMS3Dataset', data_root='data/synthetic-64px/Multi-sources/'
)
train_dataloader = dict(dataset=dict(dataset=source))
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)
max_epochs = 6  # only what listens is trained
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_epochs

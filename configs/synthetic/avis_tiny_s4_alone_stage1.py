# Small AVIS, stage 1, on S4 without silent objects: all that is seen is
# labelled, so that it learns from scratch.
_base_ = './avis_tiny_s4_stage1.py'
load_from = None
source = dict(data_root='data/synthetic-64px/Single-source-alone/')
train_dataloader = dict(dataset=dict(dataset=source))
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
max_epochs = 20  # of 1000 frames
train_cfg = dict(max_epochs=max_epochs, val_interval=5)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_epochs

# Small AVIS, stage 2, on S4 without silent objects: what is seen gives the
# mask away, and only sounds that do not fit tell whether it listens. Give the
# best checkpoint of avis_tiny_s4_alone_stage1.py:
#   --cfg-options load_from=work_dirs/avis_tiny_s4_alone_stage1/best_....pth
_base_ = './avis_tiny_s4.py'
load_from = 'pretrained/avis_tiny_s4_alone_stage1.pth'
source = dict(data_root='data/synthetic-64px/Single-source-alone/')
train_dataloader = dict(dataset=dict(dataset=source))
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)

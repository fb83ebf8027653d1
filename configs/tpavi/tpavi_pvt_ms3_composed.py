# On composed clips (docs/en/composed.md), to start MS3 from.
_base_ = './tpavi_pvt_ms3.py'
source = dict(data_root='data/composed/Multi-sources/')
train_dataloader = dict(dataset=source)
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)

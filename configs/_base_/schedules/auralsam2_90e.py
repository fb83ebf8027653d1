# AuralSAM2 on AVSBench-semantic; all else is as for S4.
_base_ = './auralsam2_140e.py'
max_epochs = 90
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]

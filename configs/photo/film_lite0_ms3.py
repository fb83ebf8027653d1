# Sound scales and shifts the channels of every pixel (FiLM).
_base_ = [
    '../_base_/models/lite0.py',
    '../_base_/datasets/photo_ms3.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
max_epochs = 8
train_cfg = dict(max_epochs=max_epochs, val_interval=3)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=max_epochs),
]

# The backbone is not frozen in this setting, as released.
_base_ = [
    '../_base_/models/avsegformer_pvt.py',
    '../_base_/datasets/avsbench_avss.py',
    '../_base_/schedules/adamw_60e.py',
    '../_base_/default_runtime.py',
]
data_preprocessor = dict(num_frames=10)  # shorter clips are padded
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(
        num_classes=71,
        loss_decode=dict(_delete_=True, type='FrameCrossEntropyLoss'),
    ),
)
# The released code validates from epoch 10, every second one.
train_cfg = dict(max_epochs=30, val_begin=10, val_interval=2)
train_dataloader = dict(batch_size=4)

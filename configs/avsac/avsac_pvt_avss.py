# 224 px: the 1029 tokens of Table 6. The paper does not say how 71 classes
# are learnt: cross-entropy and Dice over classes take the place of their
# binary forms.
_base_ = [
    '../_base_/models/avsac_pvt.py',
    '../_base_/datasets/avsbench_avss.py',
    '../_base_/schedules/adamw_60e.py',
    '../_base_/default_runtime.py',
]
data_preprocessor = dict(num_frames=10)  # shorter clips are padded
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(
        num_classes=71,
        loss_decode=[
            dict(type='FrameCrossEntropyLoss'),
            dict(type='ClassDiceLoss'),
        ],
    ),
)
train_cfg = dict(max_epochs=30, val_interval=2)
train_dataloader = dict(batch_size=4)  # in all, Table 6

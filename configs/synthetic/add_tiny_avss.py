# Sound added to every pixel of every scale ('A + V').
_base_ = [
    '../_base_/models/tiny.py',
    '../_base_/datasets/synthetic_avss.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
model = dict(
    neck=[_base_.model.neck[0], dict(type='AddAudio', in_channels=[32] * 4)],
    data_preprocessor=dict(num_frames=10),  # shorter clips are padded
    decode_head=dict(
        num_classes=11,
        prior_prob=None,
        loss_decode=[
            dict(type='FrameCrossEntropyLoss'),
            dict(type='ClassDiceLoss'),
        ],
    ),
    test_cfg=dict(eval_size='input'),
)

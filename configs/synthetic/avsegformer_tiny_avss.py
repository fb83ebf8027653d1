# AVSegFormer, small, on synthetic AVSS.
_base_ = [
    '../_base_/models/tiny_avsegformer.py',
    '../_base_/datasets/synthetic_avss.py',
    '../_base_/schedules/tiny_transformer.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(num_frames=10),  # shorter clips are padded
    decode_head=dict(
        num_classes=11,
        loss_decode=[
            dict(type='FrameCrossEntropyLoss'),
            dict(type='ClassDiceLoss'),
        ],
    ),
    test_cfg=dict(eval_size='input'),
)

# AVSBench S4 enlarged to 512 px, training clips supervised in their first
# frame. Frames and masks are 224 px on disk; ground truth follows the input,
# as in AVSegFormer's released code, so the model must predict there:
#   model = dict(test_cfg=dict(eval_size='input'))
# Pillow resizes, as there: bit-equal frames and masks. mmcv's default, OpenCV,
# takes other pixels of a mask.
_base_ = './avsbench_s4.py'
scale = (512, 512)

train_pipeline = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', cache_dir=_base_.log_mel_cache),
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='LoadFrameMask'),
            dict(
                type='Resize',
                scale=scale,
                keep_ratio=False,
                backend='pillow',
            ),
        ],
    ),
    dict(type='PackAVSInputs'),
]
test_pipeline = train_pipeline

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

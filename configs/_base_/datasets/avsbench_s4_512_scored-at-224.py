# AVSBench S4 enlarged to 512 px for the network, scored at the size of
# the files (224 px): masks of val and test are loaded after Resize.
#   model = dict(test_cfg=dict(eval_size='original'))
_base_ = './avsbench_s4_512.py'

test_pipeline = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', cache_dir=_base_.log_mel_cache),
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(
                type='Resize',
                scale=_base_.scale,
                keep_ratio=False,
                backend='pillow',
            ),
            dict(type='LoadFrameMask'),
        ],
    ),
    dict(type='PackAVSInputs'),
]

val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

# AVSBench-semantic at 224 px: 71 classes, clips of five (v1s, v1m) or ten
# (v2) frames, the released geometry. Training crops the centre after a resize
# of the shorter side; testing resizes without keeping the aspect ratio.
#
# Pad every batch to ten frames, as published, by the model's
#   data_preprocessor = dict(type='AVSDataPreProcessor', num_frames=10)
#
# Size. Masks are loaded before Resize, so ground truth has the size of the
# input, and the model must predict there:
#   model = dict(test_cfg=dict(eval_size='input'))
# That is how every published number was scored. To score at the size of the
# files instead, put LoadFrameMask after Resize in test_pipeline and set
# eval_size='original'.
_base_ = './clip_loaders.py'
dataset_type = 'AVSBenchSemanticDataset'
data_root = 'data/avsbench/AVSBench-semantic/'
log_mel_cache = 'data/cache/log_mel'  # keyed by content; None switches it off
crop_size = (224, 224)

load_audio = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', short_policy='zeros', cache_dir=log_mel_cache),
]
load_frame = [
    # Pillow decodes JPEG as the released loader does.
    dict(type='LoadFrame', imdecode_backend='pillow'),
    dict(type='LoadFrameMask'),
]
train_pipeline = [
    *load_audio,
    dict(
        type='ForEachFrame',
        transforms=[
            *load_frame,
            dict(type='ResizeShortEdge', size=crop_size[0]),
            dict(type='CenterCrop', crop_size=crop_size),
        ],
    ),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    *load_audio,
    dict(
        type='ForEachFrame',
        transforms=[
            *load_frame,
            dict(
                type='Resize',
                scale=crop_size,
                keep_ratio=False,
                backend='pillow',
            ),
        ],
    ),
    dict(type='PackAVSInputs'),
]

source = dict(type=dataset_type, data_root=data_root)
scored = dict(source, test_mode=True, pipeline=test_pipeline)
train_dataloader = dict(
    batch_size=4,  # clips; AVSBench's train.sh
    dataset=dict(source, pipeline=train_pipeline),
)
val_dataloader = dict(dataset=scored)
test_dataloader = dict(dataset=scored)

val_evaluator = dict(type='AVSSMetric')
test_evaluator = val_evaluator

# AVSBench S4 at 224 px, no augmentation, as in the released code of AVSBench.
# Training clips are supervised in their first frame alone.
#
# Size. `scale` is what the network sees. Masks are loaded before Resize, so
# ground truth has the size of the input, and the model must predict there:
# model = dict(test_cfg=dict(eval_size='input')). That is how every published
# number was scored (224 px, AVSegFormer 512 px). To score at the size of the
# files instead, put LoadFrameMask after Resize in test_pipeline and set
# eval_size='original'. AVSBench's files are 224 px, so Resize leaves them as
# they are; for another `scale` give it backend='pillow', as the 512 px bases
# do: OpenCV's nearest moves masks by up to half a pixel against the frames.
_base_ = './clip_loaders.py'
dataset_type = 'AVSBenchS4Dataset'
data_root = 'data/avsbench/Single-source/'
log_mel_cache = 'data/cache/log_mel'  # keyed by content; None switches it off
scale = (224, 224)

train_pipeline = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', cache_dir=log_mel_cache),
    dict(
        type='ForEachFrame',
        transforms=[
            dict(type='LoadFrame'),
            dict(type='LoadFrameMask'),
            dict(type='Resize', scale=scale, keep_ratio=False),
        ],
    ),
    dict(type='PackAVSInputs'),
]
test_pipeline = train_pipeline

source = dict(type=dataset_type, data_root=data_root)
scored = dict(source, test_mode=True, pipeline=test_pipeline)
train_dataloader = dict(
    batch_size=4,  # clips, hence 20 frames; AVSBench's train.sh
    dataset=dict(source, pipeline=train_pipeline),
)
val_dataloader = dict(dataset=scored)
test_dataloader = dict(dataset=scored)

# The F-measure of the released code depends on how many clips are averaged
# at a time; `clips_per_batch` says so, whatever the loaders do.
val_evaluator = dict(type='AVSMetric', protocol='avsbench', clips_per_batch=1)
test_evaluator = dict(type='AVSMetric', protocol='avsbench', clips_per_batch=4)

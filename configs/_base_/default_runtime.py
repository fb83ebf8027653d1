default_scope = 'mmavs'

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),  # gloo is taken where there is no GPU
)
# 123 is the seed of AVSBench's released train.sh
randomness = dict(seed=123)

# TensorBoard or W&B: one more line in this list,
# dict(type='TensorboardVisBackend') or dict(type='WandbVisBackend')
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='AVSLocalVisualizer', vis_backends=vis_backends)

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=True),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # the checkpoint is chosen on val, never on test
    checkpoint=dict(
        type='CheckpointHook',
        interval=1,
        # the oldest goes before the new one is written: with 1, a run that is
        # killed in between would have none to go on from
        max_keep_ckpts=2,
        save_best='mIoU',
        rule='greater',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    step_seed=dict(type='SeedHook'),  # a resumed run draws as an unbroken one
    class_count=dict(type='ClassCountHook'),
    instance_count=dict(type='InstanceCountHook'),
    visualization=dict(type='AVSVisualizationHook'),
)

log_processor = dict(by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False

# flips and scales are averaged by `tools/test.py --tta`
tta_model = dict(type='AVSTTAModel')

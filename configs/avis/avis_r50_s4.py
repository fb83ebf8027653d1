# Stage 2 of AVIS: the sound chooses among what stage 1 found. Put the best
# checkpoint of avis_r50_s4_stage1.py where load_from says, or give
# another path with --cfg-options load_from=...
_base_ = [
    '../_base_/models/avis_r50_stage2.py',
    '../_base_/datasets/avsbench_s4_frames.py',
    '../_base_/schedules/avis_stage2.py',
    '../_base_/default_runtime.py',
]
load_from = 'pretrained/avis_r50_s4_stage1.pth'
train_cfg = dict(max_epochs=15)

# Stage 1 of AVIS: find every potential sounding object. No sound is heard.
_base_ = [
    '../_base_/models/avis_r50.py',
    '../_base_/datasets/avsbench_s4_frames_unheard.py',
    '../_base_/schedules/avis_stage1.py',
    '../_base_/default_runtime.py',
]
train_cfg = dict(max_epochs=15)

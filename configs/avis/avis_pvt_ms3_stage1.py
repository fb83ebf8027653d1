# Stage 1 of AVIS: find every potential sounding object. No sound is heard.
# MS3 names no categories: make maps of them first with
# tools/dataset_converters/ms3_categories.py.
_base_ = [
    '../_base_/models/avis_pvt.py',
    '../_base_/datasets/avsbench_ms3_frames_unheard.py',
    '../_base_/schedules/avis_stage1.py',
    '../_base_/default_runtime.py',
]

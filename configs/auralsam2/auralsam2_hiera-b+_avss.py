# The release's v2: binary, on S4, MS3 and ten-frame clips together, 90 epochs.
_base_ = [
    '../_base_/models/auralsam2_hiera-b+.py',
    '../_base_/datasets/avsbench_avss_1024_stereo.py',
    '../_base_/schedules/auralsam2_90e.py',
    '../_base_/default_runtime.py',
]

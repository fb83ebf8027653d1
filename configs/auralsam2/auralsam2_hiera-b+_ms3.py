_base_ = [
    '../_base_/models/auralsam2_hiera-b+.py',
    '../_base_/datasets/avsbench_ms3_1024_stereo.py',
    '../_base_/schedules/auralsam2_140e.py',
    '../_base_/default_runtime.py',
]

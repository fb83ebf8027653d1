# Training clips are labelled in their first frame; the clip is run whole.
_base_ = [
    '../_base_/models/auralsam2_hiera-l.py',
    '../_base_/datasets/avsbench_s4_1024_stereo.py',
    '../_base_/schedules/auralsam2_140e.py',
    '../_base_/default_runtime.py',
]

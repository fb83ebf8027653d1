_base_ = [
    '../_base_/models/tpavi_r50.py',
    '../_base_/datasets/avsbench_s4.py',
    '../_base_/schedules/tpavi_30e.py',
    '../_base_/default_runtime.py',
]
# BCE on the labelled first frame alone: L_AVM does not help here (Section 4).
train_cfg = dict(max_epochs=15)  # Section 5.1

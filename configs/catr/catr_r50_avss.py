# Reported by the authors, but in no released file: geometry, padding and
# validation are AVSBench's, what the queries answer is in the head.
_base_ = [
    '../_base_/models/catr_r50.py',
    '../_base_/datasets/avsbench_avss.py',
    '../_base_/schedules/catr_100e.py',
    '../_base_/default_runtime.py',
]
data_preprocessor = dict(num_frames=10)  # shorter clips are padded
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=71),
)
train_dataloader = dict(batch_size=2)

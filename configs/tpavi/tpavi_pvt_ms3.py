_base_ = [
    '../_base_/models/tpavi_pvt.py',
    '../_base_/datasets/avsbench_ms3.py',
    '../_base_/schedules/tpavi_30e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    auxiliary_losses=[
        dict(
            type='AudioVisualMappingLoss',
            features='head',  # the maps after the decoder's first ReLU
            mode='audio-visual',  # Table 6
            distance='kl',
            reduction='sum',  # over the frames of the batch, as released
            loss_weight=0.5,  # lambda, Section 5.1
        )
    ]
)

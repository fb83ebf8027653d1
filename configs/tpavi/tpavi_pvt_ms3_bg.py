# Bidirectional generation on the AVSBench baseline (arXiv 2308.08288, Table 5,
# "AVSBench with BG"): the sound is rebuilt from the coarsest map after TPAVI
# and the true mask, besides the baseline's own L_AVM.
_base_ = './tpavi_pvt_ms3.py'
model = dict(
    auxiliary_losses=[
        dict(
            type='VisualToAudioLoss',
            features='neck',
            in_channels=256,
            audio_channels=128,
            feature_size=7,  # of frames of 224 px
            mask='ground_truth',
            loss_weight=1.0,  # eta, Table 1
        ),
        *_base_.model.auxiliary_losses,
    ]
)

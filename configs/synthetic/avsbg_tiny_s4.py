# AVS-BG, small, for S4: the sound is rebuilt from the predicted mask.
_base_ = './avsbg_tiny_ms3.py'
source = dict(
    type='AVSBenchS4Dataset', data_root='data/synthetic-96px/Single-source/'
)
train_dataloader = dict(dataset=source)
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)
model = dict(
    auxiliary_losses=[
        dict(
            type='VisualToAudioLoss',
            in_channels=48,
            audio_channels=48,
            feature_size=3,  # of frames of 96 px
            mask='predicted',
        ),
    ],
)

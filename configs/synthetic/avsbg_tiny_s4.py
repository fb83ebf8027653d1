# AVS-BG, small, for S4: the sound is rebuilt from the predicted mask, raw
# logits as released. It hears with model.auxiliary_losses.0.sigmoid=True.
_base_ = './avsbg_tiny_ms3.py'
source = dict(
    type='AVSBenchS4Dataset', data_root='data/synthetic-64px/Single-source/'
)
train_dataloader = dict(dataset=source)
val_dataloader = dict(dataset=source)
test_dataloader = dict(dataset=source)
model = dict(
    auxiliary_losses=[
        dict(
            type='VisualToAudioLoss',
            in_channels=32,
            audio_channels=32,
            feature_size=2,  # of frames of 64 px
            mask='predicted',
        ),
    ],
)

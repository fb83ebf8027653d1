# TPAVI with another audio encoder: HuBERT, from the waveform of each second.
# Any speech model of torchaudio.pipelines will do; its weights (360 MB) are
# downloaded when training starts.
_base_ = './tpavi_r50_ms3.py'
model = dict(
    audio_encoder=dict(
        _delete_=True,
        type='TorchaudioBundleEncoder',
        bundle='HUBERT_BASE',
        pool='mean',
        frozen=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='torchaudio://HUBERT_BASE'
        ),
    ),
    neck=[
        dict(
            type='DilatedSumNeck',
            in_channels=[256, 512, 1024, 2048],
            out_channels=256,
        ),
        dict(type='TPAVI', in_channels=[256] * 4, audio_channels=768),
    ],
)
train_pipeline = [
    dict(type='LoadAudio'),
    dict(type='AudioSegments'),  # one second per frame, 16 kHz
    *_base_.train_pipeline[2:],
]
test_pipeline = train_pipeline
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

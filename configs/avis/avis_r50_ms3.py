# Stage 2 of AVIS: the sound chooses among what stage 1 found. Put the best
# checkpoint of avis_r50_ms3_stage1.py where load_from says, or give
# another path with --cfg-options load_from=...
_base_ = [
    '../_base_/models/avis_r50.py',
    '../_base_/datasets/avsbench_ms3_frames.py',
    '../_base_/schedules/avis_stage2.py',
    '../_base_/default_runtime.py',
]
load_from = 'pretrained/avis_r50_ms3_stage1.pth'
model = dict(
    backbone=dict(init_cfg=None),  # it comes with stage 1
    audio_encoder=dict(
        type='VGGish',  # Section 6.3
        frozen=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/vggish-10086976.pth'
        ),
    ),
    decode_head=dict(
        avsc=dict(
            type='AVSC',
            audio_channels=128,
            audio_activation='sigmoid',  # 'softmax': the text's simplex
            overlap='max',  # 'clamp': the text's sum, cut at 1
        ),
        loss_decode=dict(type='FrameBCELoss', loss_name='loss_avc'),  # Eq. 6
    ),
)
train_dataloader = dict(batch_size=64)  # frames, Section 4.1

# AVIS, stage 2 with Swin-B and BEATs: the sound chooses among what stage 1
# found (arXiv 2307.16620, Section 3.2 and 3.3).
_base_ = './avis_swin-b.py'
model = dict(
    backbone=dict(init_cfg=None),  # it comes with stage 1
    audio_encoder=dict(
        type='BEATs',  # Section 3.2
        frozen=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='pretrained/BEATs_iter3_plus_AS2M.pt',
        ),
    ),
    decode_head=dict(
        avsc=dict(
            type='AVSC',
            audio_channels=768,
            audio_activation='sigmoid',  # 'softmax': the text's simplex
            overlap='max',  # 'clamp': the text's sum, cut at 1
        ),
        loss_decode=dict(type='FrameBCELoss', loss_name='loss_avc'),  # Eq. 6
    ),
)

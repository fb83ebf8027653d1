# AVIS, stage 2 with Swin-B and BEATs (arXiv 2307.16620, Section 3.2).
_base_ = ['./avis_swin-b.py', './avis_stage2.py']
head = _base_.listening.decode_head
model = dict(
    backbone=dict(init_cfg=None),  # it comes with stage 1
    audio_encoder=dict(
        type='BEATs',
        frozen=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='pretrained/BEATs_iter3_plus_AS2M.pt',
        ),
    ),
    decode_head=dict(head, avsc=dict(head.avsc, audio_channels=768)),
)

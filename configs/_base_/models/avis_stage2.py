# What hears in the second stage of AVIS (arXiv 2307.16620, Section 3.3): the
# sound chooses among what stage 1 found.
_base_ = '../audio_encoders/vggish.py'
listening = dict(
    audio_encoder=_base_.vggish,  # Section 6.3
    decode_head=dict(
        avsc=dict(
            type='AVSC',
            audio_channels=128,
            # the text's simplex, with a threshold of 0.25; 'sigmoid': 0.5
            audio_activation='softmax',
            overlap='max',  # 'clamp': the text's sum, cut at 1
        ),
        loss_decode=dict(type='FrameBCELoss', loss_name='loss_avc'),  # Eq. 6
    ),
)

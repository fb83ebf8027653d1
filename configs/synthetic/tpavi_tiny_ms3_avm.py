# TPAVI with L_AVM, as published for MS3. The sound is a target only, since its
# encoder learns here, where the released one is frozen; as released:
#   --cfg-options model.auxiliary_losses.0.detach_audio=False
_base_ = './tpavi_tiny_ms3.py'
model = dict(
    auxiliary_losses=[
        dict(
            type='AudioVisualMappingLoss',
            features='head',
            reduction='sum',
            detach_audio=True,
            loss_weight=0.5,
        )
    ]
)

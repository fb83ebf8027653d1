# TPAVI with L_AVM. Its sound encoder learns here, where the released one is
# frozen: so the sound is a target only, which may grow as large as it likes,
# and the loss is a mean over frames, where the released sum over 40 of them
# drowns the segmentation. As released:
#   --cfg-options model.auxiliary_losses.0.detach_audio=False \
#                 model.auxiliary_losses.0.reduction=sum
_base_ = './tpavi_tiny_ms3.py'
model = dict(
    auxiliary_losses=[
        dict(
            type='AudioVisualMappingLoss',
            features='head',
            reduction='mean',
            detach_audio=True,
            loss_weight=0.5,
        )
    ]
)

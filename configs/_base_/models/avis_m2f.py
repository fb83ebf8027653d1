# The head of AVIS on Mask2Former instead of MaskFormer ("the MaskFormer
# series", arXiv 2307.16620, Section 3.1): multi-scale deformable pixel
# decoder, masked attention.
mask2former = dict(
    dropout=0.0,
    pixel_decoder=dict(kind='msdeform'),
    decoder=dict(num_layers=9, masked_attention=True),
)
# What its first stage learns by: deep supervision, losses at sampled points,
# Mask2Former's weights.
mask2former_losses = dict(
    deep_supervision=True,
    loss_instances=dict(
        cls_weight=2.0,
        mask_loss='bce',
        mask_weight=5.0,
        dice_weight=5.0,
        num_points=12544,
    ),
)

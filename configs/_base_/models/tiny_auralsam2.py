# AuralSAM2, small: its fuser, its decoder, its memory, on the common backbone
# and trained whole; sound in one channel. Without the scrambling reshapes:
#   --cfg-options model.neck.1.scrambled=False
_base_ = './tiny.py'
model = dict(
    audio_encoder=dict(out_channels=64),
    neck=[
        dict(type='SAM2FPN', in_channels=[16, 32, 64, 128], out_channels=64),
        dict(
            type='AuralFuser',
            in_channels=[64] * 3,
            audio_channels=64,
            visual_depths=(1, 1, 1),
            audio_depth=1,
            dropout=0.0,
        ),
    ],
    decode_head=dict(
        _delete_=True,
        type='SAM2MaskHead',
        embed_dims=64,
        memory_dims=16,
        num_heads=4,
        ffn_channels=128,
        memory_layers=1,
        frozen=False,
        # masks that start from nothing: with Dice at 1 and focal at 20 they
        # stay below one half for so long that all IoUs are learned to be 0
        loss_mask=dict(type='SAM2MaskLoss', focal_weight=5.0, dice_weight=5.0),
    ),
    auxiliary_losses=[
        dict(
            type='AudioVisualContrastiveLoss',
            in_channels=64,
            proj_channels=32,
        )
    ],
)

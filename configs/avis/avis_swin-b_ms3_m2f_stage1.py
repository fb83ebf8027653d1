# AVIS on Mask2Former instead of MaskFormer ("the MaskFormer series", Section
# 3.1): multi-scale deformable pixel decoder, masked attention, deep
# supervision, losses at sampled points, Mask2Former's weights. COCO-trained
# weights of the head load too:
#   --cfg-options model.decode_head.init_cfg.type=Pretrained \
#     model.decode_head.init_cfg.prefix=panoptic_head. \
#     model.decode_head.init_cfg.checkpoint=<the backbone's checkpoint>
_base_ = './avis_swin-b_ms3_stage1.py'
model = dict(
    decode_head=dict(
        dropout=0.0,
        pixel_decoder=dict(kind='msdeform'),
        decoder=dict(num_layers=9, masked_attention=True),
        deep_supervision=True,
        loss_instances=dict(
            cls_weight=2.0,
            mask_loss='bce',
            mask_weight=5.0,
            dice_weight=5.0,
            num_points=12544,
        ),
    )
)

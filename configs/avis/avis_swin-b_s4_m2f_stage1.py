# Stage 1 of AVIS on Mask2Former. COCO-trained weights of the head load too:
#   --cfg-options model.decode_head.init_cfg.type=Pretrained \
#     model.decode_head.init_cfg.prefix=panoptic_head. \
#     model.decode_head.init_cfg.checkpoint=<the backbone's checkpoint>
_base_ = [
    './avis_swin-b_s4_stage1.py',
    '../_base_/models/avis_m2f.py',
]
model = dict(
    decode_head=dict(**_base_.mask2former, **_base_.mask2former_losses)
)

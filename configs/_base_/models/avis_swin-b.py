# AVIS, segmentation network (stage 1) with Swin-B (arXiv 2307.16620, Section
# 3.1): MaskFormer with a silent-object loss. 101.80 M weights (Table 5).
#
# "We employ the swin-transformer pretrained on COCO as our backbone" (Section
# 4.1): mmdet's Mask2Former checkpoint has one; of it the backbone is taken.
# For ImageNet weights give another checkpoint.
data_preprocessor = dict(type='AVSDataPreProcessor')  # ImageNet mean and std
model = dict(
    type='AVSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='SwinTransformer',
        pretrain_img_size=384,
        embed_dims=128,
        depths=(2, 2, 18, 2),
        num_heads=(4, 8, 16, 32),
        window_size=12,
        drop_path_rate=0.3,  # as MaskFormer's Swin models
        init_cfg=dict(
            type='Pretrained',
            checkpoint='pretrained/mask2former_swin-b-p4-w12-384-in21k_8xb2-'
            'lsj-50e_coco-panoptic_20220329_230021-05ec7315.pth',
        ),
    ),
    decode_head=dict(
        type='SoundingInstanceHead',
        in_channels=[128, 256, 512, 1024],
        num_queries=100,  # Figure 3
        dropout=0.1,  # MaskFormer
        pixel_decoder=dict(kind='fpn'),
        decoder=dict(num_layers=6),  # MaskFormer
        loss_instances=dict(
            cls_weight=1.0,  # MaskFormer
            mask_loss='focal',
            mask_weight=20.0,  # lambda_f, Section 3.4
            dice_weight=1.0,  # lambda_d, Section 3.4
            no_object_weight=0.1,  # MaskFormer
        ),
        # lambda_soas, Section 3.4; 0 is "w/o L_soas" of Table 3
        loss_silent=dict(type='SilentObjectLoss', loss_weight=1.0),
    ),
    test_cfg=dict(eval_size='input'),
)

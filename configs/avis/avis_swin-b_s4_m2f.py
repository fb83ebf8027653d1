# Stage 2 of AVIS: the sound chooses among what stage 1 found. Put the best
# checkpoint of avis_swin-b_s4_m2f_stage1.py where load_from says, or give
# another path with --cfg-options load_from=...
_base_ = [
    './avis_swin-b_s4.py',
    '../_base_/models/avis_m2f.py',
]
load_from = 'pretrained/avis_swin-b_s4_m2f_stage1.pth'
model = dict(decode_head=_base_.mask2former)

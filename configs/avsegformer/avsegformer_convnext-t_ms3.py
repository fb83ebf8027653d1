# AVSegFormer on a backbone of mmpretrain: any that returns four maps will do.
_base_ = ['./avsegformer_r50_ms3.py', '../_base_/backbones/convnext-t.py']
model = dict(
    backbone=dict(_base_.convnext_t, _delete_=True),
    decode_head=dict(in_channels=[96, 192, 384, 768]),
)

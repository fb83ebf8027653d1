# The AVSBench baseline with TPAVI and ResNet-50 (arXiv 2301.13190, Section 4
# and 5.1), with the binary loss of S4; 68.16 M weights besides VGGish.
_base_ = ['./tpavi_pvt.py', '../backbones/resnet50.py']
model = dict(
    backbone=dict(_base_.resnet50, _delete_=True),
    neck=[
        dict(_base_.model.neck[0], in_channels=[256, 512, 1024, 2048]),
        *_base_.model.neck[1:],
    ],
    decode_head=dict(with_cp=False),
)

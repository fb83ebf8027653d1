# VGGish, whose weights stay as they are, as in every method on AVSBench.
vggish = dict(
    type='VGGish',
    frozen=True,
    init_cfg=dict(
        type='Pretrained', checkpoint='pretrained/vggish-10086976.pth'
    ),
)

# What AuralSAM2 does with loaded frames and masks (arXiv 2506.01015, released
# code): frames by bicubic (in training bilinear), masks by nearest
# interpolation. Training clips are flipped, turned, slanted and now and then
# grey, as a whole.
scale_1024 = (1024, 1024)
train_frames = [
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomAffine',
        max_degrees=25.0,
        scale_range=(1.0, 1.0),
        max_shear_degrees=20.0,
        bilinear=True,
        fill=(103, 116, 123),  # BGR
    ),
    dict(
        type='Resize',
        scale=scale_1024,
        keep_ratio=False,
        interpolation='bilinear',
    ),
    dict(type='RandomGrayscale', prob=0.05, keep_channels=True),
]
test_frames = [
    dict(
        type='Resize',
        scale=scale_1024,
        keep_ratio=False,
        interpolation='bicubic',
    ),
]

"""Pipelines of flips and scales from a test pipeline."""

import pytest

from mmavs.engine.tta import derive_tta_pipeline

LOAD = [dict(type='LoadAudio'), dict(type='VGGishLogMel')]


def for_each(*transforms):
    return dict(type='ForEachFrame', transforms=list(transforms))


def pipeline(*frame_steps):
    return [*LOAD, for_each(*frame_steps), dict(type='PackAVSInputs')]


def flips():
    return [
        for_each(dict(type='RandomFlip', prob=0.0)),
        for_each(dict(type='RandomFlip', prob=1.0)),
    ]


def test_masks_before_resize_are_augmented_with_the_frames():
    resize = dict(type='Resize', scale=(224, 224), keep_ratio=False)
    load = dict(type='LoadFrame'), dict(type='LoadFrameMask')
    derived = derive_tta_pipeline(pipeline(*load, resize))
    assert derived[:3] == [*LOAD, for_each(*load)]
    scales = [
        for_each(dict(resize, scale=(side, side))) for side in (224, 192, 256)
    ]
    assert derived[3:] == [
        dict(
            type='TestTimeAug',
            transforms=[scales, flips(), [dict(type='PackAVSInputs')]],
        )
    ]


def test_masks_after_resize_stay_as_they_are():
    resize = dict(type='Resize', scale=(96, 40))
    mask = dict(type='LoadFrameMask')
    derived = derive_tta_pipeline(pipeline(resize, mask))
    sizes = [(96, 40), (64, 32), (128, 72)]
    assert derived[2]['transforms'] == [
        [for_each(dict(resize, scale=size)) for size in sizes],
        flips(),
        [for_each(mask)],
        [dict(type='PackAVSInputs')],
    ]


def test_without_resize_there_are_flips_alone():
    load = for_each(dict(type='LoadFrame'))
    pack = dict(type='PackAVSInputs')
    derived = derive_tta_pipeline([load, pack])
    expected = dict(type='TestTimeAug', transforms=[flips(), [pack]])
    assert derived == [load, expected]


def test_another_end_is_refused():
    with pytest.raises(ValueError, match='ends in PackSegInputs'):
        derive_tta_pipeline([dict(type='PackSegInputs')])

"""PackAVSInputs."""

import numpy as np
import pytest
import torch

from mmavs.datasets.transforms import PackAVSInputs


def clip(num_frames=3, labeled=(0, 2), **changes):
    rng = np.random.default_rng(0)
    frames = []
    for t in range(num_frames):
        frame = dict(
            img=rng.integers(0, 256, (6, 8, 3), np.uint8),
            img_path=f'{t}.png',
            frame_id=t,
            img_shape=(6, 8),
            ori_shape=(12, 16),
            scale_factor=(0.5, 0.5),
            flip=True,
            flip_direction='horizontal',
        )
        if t in labeled:
            frame['gt_seg_map'] = np.full((6, 8), t % 2, np.uint8)
            frame['gt_seg_map'][t] = 1
        frames.append(frame)
    results = dict(
        clip_id='a',
        sample_idx=7,
        num_frames=num_frames,
        labeled_frames=list(labeled),
        audio_path='a.wav',
        audio=torch.rand(num_frames, 1, 96, 64),
        frames=frames,
        group='switching',
        category=None,
    )
    return dict(results, **changes)


def test_images_audio_and_masks_are_packed():
    results = clip()
    packed = PackAVSInputs()(results)
    images = packed['inputs']['imgs']
    assert images.shape == (3, 3, 6, 8) and images.dtype == torch.uint8
    for t, frame in enumerate(results['frames']):
        assert (images[t].permute(1, 2, 0).numpy() == frame['img']).all()
    assert packed['inputs']['audio'] is results['audio']
    masks = packed['data_samples'].gt_sem_seg.data
    assert masks.shape == (3, 1, 6, 8) and masks.dtype == torch.int64
    assert masks[0, 0, 0].eq(1).all() and masks[0].sum() == 8
    assert masks[2, 0, 2].eq(1).all() and masks[2].sum() == 8
    assert masks[1].eq(255).all()


def test_metainfo_is_complete():
    sample = PackAVSInputs()(clip())['data_samples']
    assert sample.metainfo == dict(
        clip_id='a',
        sample_idx=7,
        num_frames=3,
        labeled_frames=[0, 2],
        audio_path='a.wav',
        group='switching',
        category=None,
        img_path=['0.png', '1.png', '2.png'],
        frame_ids=[0, 1, 2],
        ori_shape=(12, 16),
        img_shape=(6, 8),
        scale_factor=(0.5, 0.5),
        flip=True,
        flip_direction='horizontal',
        max_label=1,
    )
    views = sample.frames()
    assert [view.img_path for view in views] == sample.img_path
    assert views[0].gt_sem_seg.data.shape == (1, 6, 8)


def test_highest_label_leaves_out_what_has_none():
    results = clip(labeled=(0, 1), labeled_frames=[1])
    results['frames'][0]['gt_seg_map'][:] = 9  # not labelled
    results['frames'][1]['gt_seg_map'][0] = 4, 255, 0, 1, 2, 3, 0, 0
    assert PackAVSInputs()(results)['data_samples'].max_label == 4
    packed = PackAVSInputs(ignore_index=4)(results)
    assert packed['data_samples'].max_label == 255


def test_clip_without_labels_has_no_ground_truth():
    for labeled, loaded in (((), ()), ((0, 1, 2), ())):
        results = clip(labeled=loaded, labeled_frames=list(labeled))
        sample = PackAVSInputs()(results)['data_samples']
        assert 'gt_sem_seg' not in sample and sample.labeled_frames == []


def test_half_loaded_labels_are_an_error():
    with pytest.raises(ValueError, match=r'clip a: labelled frames \[1\]'):
        PackAVSInputs()(clip(labeled_frames=[0, 1]))


def test_mask_at_another_size_than_the_frame_is_kept():
    results = clip(labeled=(1,))
    results['frames'][1]['gt_seg_map'] = np.ones((12, 16), np.uint8)
    masks = PackAVSInputs()(results)['data_samples'].gt_sem_seg.data
    assert masks.shape == (3, 1, 12, 16) and masks[0].eq(255).all()


def test_model_without_sound_gets_none():
    results = clip()
    del results['audio']
    assert list(PackAVSInputs()(results)['inputs']) == ['imgs']


def test_frames_of_several_sizes_are_an_error():
    results = clip()
    results['frames'][1]['img'] = np.zeros((5, 8, 3), np.uint8)
    with pytest.raises(ValueError, match='clip a differ in size.*Resize'):
        PackAVSInputs()(results)


def test_frames_of_several_geometries_are_an_error():
    results = clip()
    results['frames'][1]['flip'] = False
    with pytest.raises(ValueError, match='clip a differ in flip.*ForEachFr'):
        PackAVSInputs()(results)


def test_unpaired_sound_is_an_error():
    with pytest.raises(ValueError, match='3 frames came with 4 pieces'):
        PackAVSInputs()(clip(audio=torch.rand(4, 1, 96, 64)))

"""A label that the head has no class for is named before the loss."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.models.segmentors.clips import check_labels
from mmavs.registry import DATASETS, MODELS
from mmavs.structures import AVSDataSample, FramePixelData

ROOT = Path(__file__).resolve().parents[3]


def sample(labels, labeled=(0, 1), device='cpu', **metainfo):
    """A clip of two frames of one row each."""
    clip = AVSDataSample(
        metainfo=dict(
            clip_id='c',
            num_frames=2,
            img_path=['0.png', '1.png'],
            labeled_frames=list(labeled),
            **metainfo,
        )
    )
    masks = torch.tensor(labels).view(2, 1, 1, -1).to(device)
    clip.gt_sem_seg = FramePixelData(data=masks)
    return clip


def test_clip_frame_labels_and_classes_are_named():
    clips = [sample([[0, 1], [2, 255]]), sample([[0, 1], [7, 3]])]
    check_labels(clips[:1], 3, 255)
    with pytest.raises(
        ValueError,
        match=r'clip c, 1\.png: .* \[3, 7\], but decode_head\.num_classes=3 '
        r'knows 0\.\.2\. Fix: set num_classes',
    ):
        check_labels(clips, 3, 255)


def test_only_what_the_head_ignores_is_free():
    with pytest.raises(ValueError, match=r'labels \[9\]'):
        check_labels([sample([[0, 9], [0, 0]])], 3, 255)
    check_labels([sample([[0, 9], [0, 0]])], 3, 9)
    with pytest.raises(ValueError, match=r'labels \[255\]'):
        check_labels([sample([[0, 255], [0, 0]], max_label=0)], 3, 9)


def test_frames_without_label_do_not_count():
    check_labels([sample([[0, 1], [9, 9]], labeled=[0])], 3, 255)


def test_masks_are_not_looked_at_where_the_highest_label_is_known():
    """On a device, a look would make the host wait; here it would fail."""
    unseen = sample([[0, 1], [2, 2]], device='meta', max_label=2)
    check_labels([unseen], 3, 255)
    with pytest.raises(NotImplementedError):
        check_labels([unseen], 2, 255)


@pytest.mark.parametrize(
    'head',
    [
        dict(num_classes=3),
        dict(
            _delete_=True,
            type='FCNHead',
            in_channels=128,
            channels=8,
            num_classes=3,
        ),
    ],
    ids=['ours', 'stock'],
)
def test_a_head_of_too_few_classes(head, tiny_avss, monkeypatch):
    config = Config.fromfile(ROOT / 'configs/synthetic/nosound_tiny_avss.py')
    config.merge_from_dict(dict(model=dict(decode_head=head)))
    dataset = config.train_dataloader.dataset
    dataset.data_root = f'{tiny_avss}/'
    dataset.pipeline[1].cache_dir = None
    clips = DATASETS.build(dataset)
    model = MODELS.build(config.model)
    data = model.data_preprocessor(
        dict(
            inputs=dict(imgs=[clips[0]['inputs']['imgs']]),
            data_samples=[clips[0]['data_samples']],
        ),
        training=True,
    )
    name = data['data_samples'][0].clip_id
    with pytest.raises(ValueError, match=f'clip {name}, .*num_classes=3'):
        model(**data, mode='loss')

"""The 512 px bases: what the network sees, and what it is scored on."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.registry import DATASETS, METRICS
from mmavs.structures import FramePixelData

BASES = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets'


def clip(base, loader, root):
    config = Config.fromfile(BASES / f'{base}.py')[f'{loader}_dataloader']
    config.dataset.data_root = str(root)
    for transform in config.dataset.pipeline:
        transform.pop('cache_dir', None)
    packed = DATASETS.build(config.dataset)[0]
    return packed['inputs']['imgs'], packed['data_samples']


@pytest.mark.parametrize('setting', ['ms3', 's4'])
@pytest.mark.parametrize(
    'suffix, loader, mask_size',
    [
        ('512', 'train', 512),
        ('512', 'test', 512),  # AVSegFormer is scored at the input's size
        ('512_scored-at-224', 'train', 512),
        ('512_scored-at-224', 'val', 64),  # AVSAC at the files' (64 px here)
        ('512_scored-at-224', 'test', 64),
    ],
)
def test_sizes(setting, suffix, loader, mask_size, request):
    root = request.getfixturevalue(f'tiny_{setting}')
    imgs, sample = clip(f'avsbench_{setting}_{suffix}', loader, root)
    assert imgs.shape == (5, 3, 512, 512)
    assert sample.gt_sem_seg.data.shape[2:] == (mask_size, mask_size)
    assert tuple(sample.img_shape) == (512, 512)
    assert tuple(sample.ori_shape) == (64, 64)


def test_scored_at_the_size_of_the_files(tiny_ms3):
    """A perfect prediction at that size scores 100."""
    _, sample = clip('avsbench_ms3_512_scored-at-224', 'test', tiny_ms3)
    target = sample.gt_sem_seg.data
    sample.pred_sem_seg = FramePixelData(data=target.clone())
    logits = torch.where(target > 0, 9.0, -9.0)
    sample.seg_logits = FramePixelData(data=logits)
    config = Config.fromfile(BASES / 'avsbench_ms3_512_scored-at-224.py')
    metric = METRICS.build(dict(config.val_evaluator))
    metric.dataset_meta = dict(classes=('background', 'foreground'))
    metric.process({}, [sample.to_dict()])
    values = metric.evaluate(1)
    score = next(v for k, v in values.items() if 'mIoU' in k)
    assert score == pytest.approx(100)

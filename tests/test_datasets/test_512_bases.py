"""The 512 px bases: what the network sees, and what it is scored on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmavs.datasets import AVSBenchMS3Dataset, AVSBenchS4Dataset
from mmavs.registry import DATASETS, METRICS
from mmavs.structures import FramePixelData
from mmavs.testing import tiny_copy

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
        ('512', 'test', 512),  # scored at the size of the input
        ('512_scored-at-224', 'train', 512),
        ('512_scored-at-224', 'val', 64),  # at the files' (64 px here)
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


def write_noise(root, setting):
    """Give a training clip frames and masks of 224 px without any pattern."""
    draw = np.random.default_rng(0)
    dataset = dict(ms3=AVSBenchMS3Dataset, s4=AVSBenchS4Dataset)[setting]
    info = dataset(str(root), 'train').get_data_info(0)
    for frame in info['frames']:
        noise = draw.integers(0, 256, (224, 224, 3), np.uint8)
        Image.fromarray(noise).save(frame['img_path'])
        if frame['seg_map_path']:
            mask = 255 * draw.integers(0, 2, (224, 224), np.uint8)
            Image.fromarray(mask).save(frame['seg_map_path'])
    return info


def released(path, mode, method):
    """A file as the released loaders resize it: by Pillow, in that mode."""
    image = Image.open(path).convert(mode).resize((512, 512), method)
    return np.asarray(image.convert('RGB' if mode == 'RGB' else 'L'))


@pytest.mark.parametrize('suffix', ['512', '512_scored-at-224'])
@pytest.mark.parametrize('setting, mode', [('ms3', 'P'), ('s4', '1')])
def test_frames_and_masks_are_the_released_ones(
    suffix, setting, mode, request, tmp_path
):
    root = tiny_copy(request.getfixturevalue(f'tiny_{setting}'), tmp_path)
    info = write_noise(root, setting)
    imgs, sample = clip(f'avsbench_{setting}_{suffix}', 'train', root)
    for t, frame in enumerate(info['frames']):
        expected = released(frame['img_path'], 'RGB', Image.BILINEAR)
        image = imgs[t].flip(0).permute(1, 2, 0).numpy()  # BGR to RGB
        assert (image == expected).all()
        if frame['seg_map_path']:
            expected = released(frame['seg_map_path'], mode, Image.NEAREST)
            mask = sample.gt_sem_seg.data[t, 0].numpy()
            assert (255 * mask == expected).all()


@pytest.mark.parametrize('suffix', ['512', '512_scored-at-224'])
@pytest.mark.parametrize('setting', ['ms3', 's4'])
@pytest.mark.parametrize('loader', ['train', 'val', 'test'])
def test_every_loader_resizes_by_pillow(suffix, setting, loader):
    path = BASES / f'avsbench_{setting}_{suffix}.py'
    pipeline = Config.fromfile(path)[f'{loader}_dataloader'].dataset.pipeline
    (each,) = [t for t in pipeline if t['type'] == 'ForEachFrame']
    (resize,) = [t for t in each['transforms'] if t['type'] == 'Resize']
    assert resize['backend'] == 'pillow'


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

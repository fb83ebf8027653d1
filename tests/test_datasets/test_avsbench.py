"""The three AVSBench settings, read from trees in their layout."""

import shutil

import numpy as np
import pytest
from avsbench_parts import PIPELINE, rewrite
from mmengine.config import Config
from PIL import Image

from mmavs.datasets import (
    AVSBenchMS3Dataset,
    AVSBenchS4Dataset,
    AVSBenchSemanticDataset,
)
from mmavs.datasets.synthetic import read_side_file
from mmavs.registry import DATASETS, MODELS
from mmavs.testing import tiny_copy

# ----------------------------------------------------------------------- MS3


def test_ms3_lists_its_split_in_order_of_the_csv(tiny_ms3):
    dataset = AVSBenchMS3Dataset(str(tiny_ms3), 'test')
    ids = [dataset.get_data_info(i)['clip_id'] for i in range(len(dataset))]
    assert ids == [f'ms3_test_0000{i}' for i in range(3)]
    info = dataset.get_data_info(1)
    data = tiny_ms3 / 'ms3_data'
    assert info['num_frames'] == 5 and info['labeled_frames'] == [*range(5)]
    assert info['audio_path'] == str(data / 'audio_wav/test' / f'{ids[1]}.wav')
    frame = info['frames'][2]
    assert frame['img_path'] == str(
        data / 'visual_frames' / ids[1] / f'{ids[1]}.mp4_3.png'
    )
    assert frame['seg_map_path'] == str(
        data / 'gt_masks' / 'test' / ids[1] / f'{ids[1]}_3.png'
    )
    assert frame['frame_id'] == 2 and frame['seg_fields'] == []
    assert frame['label_map'] is None and not frame['reduce_zero_label']


def test_group_comes_from_the_side_file_if_there_is_one(tiny_ms3, tmp_path):
    clips = read_side_file(tiny_ms3)['clips']
    dataset = AVSBenchMS3Dataset(str(tiny_ms3), 'train', pipeline=PIPELINE)
    groups = {
        s['data_samples'].clip_id: s['data_samples'].group for s in dataset
    }
    assert groups == {k: clips[k]['group'] for k in groups}
    assert set(groups.values()) == {'constant', 'switching'}
    real = tiny_copy(tiny_ms3, tmp_path)
    (real / 'synthetic.json').unlink()
    dataset = AVSBenchMS3Dataset(str(real), 'train', pipeline=PIPELINE)
    assert dataset[0]['data_samples'].group is None


def test_ms3_gives_a_packed_clip(tiny_ms3):
    dataset = AVSBenchMS3Dataset(str(tiny_ms3), 'val', pipeline=PIPELINE)
    packed = dataset[0]
    assert packed['inputs']['imgs'].shape == (5, 3, 64, 64)
    assert packed['inputs']['audio'].shape == (5, 1, 96, 64)
    sample = packed['data_samples']
    assert sample.gt_sem_seg.data.shape == (5, 1, 64, 64)
    info = dataset.get_data_info(0)
    for t in range(5):
        expected = np.asarray(Image.open(info['frames'][t]['seg_map_path']))
        mask = sample.gt_sem_seg.data[t, 0].numpy()
        assert (mask == (expected > 127)).all()
    assert dataset.metainfo['classes'] == ('background', 'sounding')


# ------------------------------------------------------------------------ S4


def test_s4_training_supervises_the_first_frame_alone(tiny_s4):
    for split, labeled in (('train', [0]), ('val', [*range(5)])):
        dataset = AVSBenchS4Dataset(str(tiny_s4), split, pipeline=PIPELINE)
        for packed in dataset:
            sample = packed['data_samples']
            assert sample.labeled_frames == labeled
            masks = sample.gt_sem_seg.data
            filled = [t for t in range(5) if (masks[t] == 255).all()]
            assert filled == [t for t in range(5) if t not in labeled]
            assert (masks[0] == 1).any()
            assert sample.category in sample.audio_path


def test_s4_training_leaves_further_masks_alone(tiny_s4, tmp_path):
    root = tiny_copy(tiny_s4, tmp_path)
    first = next((root / 's4_data/gt_masks/train').rglob('*_1.png'))
    shutil.copy(first, str(first).replace('_1.png', '_2.png'))
    dataset = AVSBenchS4Dataset(str(root), 'train')
    assert all(
        dataset.get_data_info(i)['labeled_frames'] == [0]
        for i in range(len(dataset))
    )


# ---------------------------------------------------------------------- AVSS


def test_avss_parts_frames_and_labels(tiny_avss):
    found = {}
    for split in ('train', 'val', 'test'):
        dataset = AVSBenchSemanticDataset(str(tiny_avss), split)
        for i in range(len(dataset)):
            info = dataset.get_data_info(i)
            part = info['audio_path'].split('/')[-3]
            found.setdefault((part, split), set()).add(
                (info['num_frames'], len(info['labeled_frames']))
            )
    assert found[('v1s', 'train')] == {(5, 1)}
    assert found[('v1s', 'val')] == found[('v1s', 'test')] == {(5, 5)}
    assert found[('v1m', 'train')] == found[('v1m', 'test')] == {(5, 5)}
    assert found[('v2', 'train')] == found[('v2', 'test')] == {(10, 10)}


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_avss_validity_flags_follow_each_clip(tiny_avss, split):
    config = Config.fromfile('configs/_base_/datasets/avsbench_avss.py')
    cfg = config[f'{split}_dataloader'].dataset
    cfg.data_root = str(tiny_avss)
    cfg.pipeline[1].cache_dir = None
    dataset = DATASETS.build(cfg)
    samples = [dataset[i] for i in range(len(dataset))]
    prepare = MODELS.build(dict(type='AVSDataPreProcessor', num_frames=10))
    batch = prepare(
        dict(
            inputs={
                key: [s['inputs'][key] for s in samples]
                for key in ('imgs', 'audio')
            },
            data_samples=[s['data_samples'] for s in samples],
        ),
        training=split == 'train',
    )
    inputs = batch['inputs']
    assert inputs['imgs'].shape == (len(samples), 10, 3, 224, 224)
    lengths = [s['data_samples'].num_frames for s in samples]
    assert {5}.issubset(lengths)
    valid = inputs.get('valid_frames')
    assert valid.sum(dim=1).tolist() == lengths
    for b, length in enumerate(lengths):
        assert valid[b, :length].all()
        assert (inputs['imgs'][b, length:] == 0).all()
        assert (inputs['audio'][b, length:] == 0).all()


def test_avss_colours_stand_in_for_indices(tiny_avss, tmp_path):
    root = tiny_copy(tiny_avss, tmp_path)
    for folder in root.glob('*/*/labels_semantic'):
        shutil.rmtree(folder)
    encodings = []
    for source in (tiny_avss, root):
        dataset = AVSBenchSemanticDataset(
            str(source), 'test', pipeline=PIPELINE
        )
        masks = [s['data_samples'].gt_sem_seg.data for s in dataset]
        info = dataset.get_data_info(0)
        encodings.append((info['frames'][0]['mask_encoding'], masks))
    (index, by_index), (palette, by_color) = encodings
    assert (index, palette) == ('index', 'palette')
    assert all((a == b).all() for a, b in zip(by_index, by_color))
    assert max(int(mask.max()) for mask in by_index) > 3


def test_avss_bad_labels_name_the_file(tiny_avss, tmp_path):
    root = tiny_copy(tiny_avss, tmp_path)
    dataset = AVSBenchSemanticDataset(str(root), 'test', pipeline=PIPELINE)
    path = dataset.get_data_info(0)['frames'][1]['seg_map_path']
    mask = np.array(Image.open(path))
    mask[3, 4] = 71
    Image.fromarray(mask).save(path)
    with pytest.raises(ValueError, match=r'semantic/1.png.*0\.\.70 \(71\)'):
        dataset[0]
    for folder in root.glob('*/*/labels_semantic'):
        shutil.rmtree(folder)
    dataset = AVSBenchSemanticDataset(str(root), 'test', pipeline=PIPELINE)
    path = dataset.get_data_info(0)['frames'][1]['seg_map_path']
    colors = np.array(Image.open(path))
    colors[3, 4] = 1, 2, 3
    Image.fromarray(colors).save(path)
    with pytest.raises(ValueError, match=r'labels_rgb/1.png.*\(1, 2, 3\)'):
        dataset[0]


def test_avss_parts_can_be_chosen(tiny_avss):
    dataset = AVSBenchSemanticDataset(str(tiny_avss), 'test', parts=['v2'])
    assert [dataset.get_data_info(0)['num_frames'], len(dataset)] == [10, 1]
    with pytest.raises(ValueError, match=r"unknown parts \['v3'\]"):
        AVSBenchSemanticDataset(str(tiny_avss), 'test', parts=['v3'])


def test_avss_withheld_clips_are_left_out_on_request(tiny_avss, tmp_path):
    root = tiny_copy(tiny_avss, tmp_path)
    shutil.rmtree(root / 'v2' / 'v2_test_00000')
    with pytest.raises(FileNotFoundError, match='v2_test_00000'):
        AVSBenchSemanticDataset(str(root), 'test')
    dataset = AVSBenchSemanticDataset(str(root), 'test', skip_absent=True)
    assert len(dataset) == 2


def test_avss_strange_part_in_the_csv_is_named(tiny_avss, tmp_path):
    root = tiny_copy(tiny_avss, tmp_path)
    rewrite(
        root / 'metadata.csv',
        lambda rows: [rows[0]] + [[*rows[1][:-1], 'v9']] + rows[2:],
    )
    with pytest.raises(ValueError, match=r"metadata.csv.*\['v9'\].*Fix"):
        AVSBenchSemanticDataset(str(root), 'train')


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize('setting', ['s4', 'ms3', 'avss'])
def test_base_configs_read_every_split(request, setting):
    root = request.getfixturevalue(f'tiny_{setting}')
    config = Config.fromfile(f'configs/_base_/datasets/avsbench_{setting}.py')
    assert config.data_root.startswith('data/avsbench/')
    for split, number in (('train', 4), ('val', 2), ('test', 3)):
        loader = config[f'{split}_dataloader']
        loader.dataset.data_root = str(root)
        loader.dataset.pipeline[1].cache_dir = None
        dataset = DATASETS.build(loader.dataset)
        assert len(dataset) == number
        packed = dataset[0]
        size = packed['inputs']['imgs'].shape[-2:]
        assert size == packed['data_samples'].gt_sem_seg.data.shape[-2:]
        assert size == (224, 224)


def test_clips_travel_through_workers_and_wrappers(tiny_ms3, tiny_s4):
    from mmengine.dataset import pseudo_collate
    from torch.utils.data import DataLoader

    both = DATASETS.build(
        dict(
            type='ConcatDataset',
            datasets=[
                dict(
                    type=kind,
                    data_root=str(root),
                    split='val',
                    pipeline=PIPELINE,
                )
                for kind, root in (
                    ('AVSBenchMS3Dataset', tiny_ms3),
                    ('AVSBenchS4Dataset', tiny_s4),
                )
            ],
        )
    )
    loader = DataLoader(
        both, batch_size=2, num_workers=2, collate_fn=pseudo_collate
    )
    for index, batch in enumerate(loader):
        for place, sample in enumerate(batch['data_samples']):
            here = both[2 * index + place]
            assert sample.metainfo == here['data_samples'].metainfo
            images = batch['inputs']['imgs'][place]
            assert (images == here['inputs']['imgs']).all()
    assert index == 1

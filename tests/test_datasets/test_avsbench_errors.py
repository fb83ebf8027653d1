"""What may be bad in an AVSBench folder is named."""

import pickle
import shutil

import numpy as np
import pytest
import torch
from avsbench_parts import PIPELINE, rewrite
from PIL import Image

from mmavs.datasets import (
    AVSBenchMS3Dataset,
    AVSBenchS4Dataset,
    AVSBenchSemanticDataset,
)
from mmavs.datasets.preparation import list_jobs
from mmavs.testing import tiny_copy


def test_missing_root_is_named():
    with pytest.raises(FileNotFoundError, match='nowhere/MS3.*--synthetic'):
        AVSBenchMS3Dataset('nowhere/MS3', 'train')


def test_unknown_split_is_named(tiny_ms3):
    with pytest.raises(ValueError, match="unknown split 'dev'.*'train'"):
        AVSBenchMS3Dataset(str(tiny_ms3), 'dev')


def test_missing_list_is_named(tiny_ms3):
    with pytest.raises(FileNotFoundError, match='absent.csv.*Fix'):
        AVSBenchMS3Dataset(str(tiny_ms3), 'train', ann_file='absent.csv')


def test_csv_without_a_column_is_named(tiny_ms3, tmp_path):
    root = tiny_copy(tiny_ms3, tmp_path)
    path = root / 'ms3_meta_data.csv'
    rewrite(path, lambda rows: [['video', 'split'], *rows[1:]])
    with pytest.raises(ValueError) as error:
        AVSBenchMS3Dataset(str(root), 'train')
    for part in (str(path), "no column ['video_id']", "['video', 'split']"):
        assert part in str(error.value)


def test_columns_are_found_by_name(tiny_s4, tmp_path):
    root = tiny_copy(tiny_s4, tmp_path)
    rewrite(
        root / 's4_meta_data.csv',
        lambda rows: [[*row[::-1], 'more'] for row in rows],
    )
    assert len(AVSBenchS4Dataset(str(root), 'train')) == 4


def test_short_row_is_named(tiny_ms3, tmp_path):
    root = tiny_copy(tiny_ms3, tmp_path)
    rewrite(
        root / 'ms3_meta_data.csv',
        lambda rows: [*rows[:2], [rows[2][0]], *rows[3:]],
    )
    with pytest.raises(ValueError, match='csv, line 3: too few values.*Fix'):
        AVSBenchMS3Dataset(str(root), 'train')


NAMES = dict(s4='name', ms3='video_id', avss='uid')
DATASETS = dict(
    s4=AVSBenchS4Dataset,
    ms3=AVSBenchMS3Dataset,
    avss=AVSBenchSemanticDataset,
)


@pytest.mark.parametrize('setting', DATASETS)
def test_a_clip_that_is_listed_twice_is_named(setting, tmp_path, request):
    root = tiny_copy(request.getfixturevalue(f'tiny_{setting}'), tmp_path)
    dataset = DATASETS[setting]
    rewrite(root / dataset.ANN_FILE, lambda rows: [*rows[:3], *rows[2:]])
    with pytest.raises(ValueError) as error:
        dataset(str(root), 'train')
    for part in (f'{dataset.ANN_FILE}, lines 3 and 4', 'listed twice', 'Fix'):
        assert part in str(error.value)
    dataset(str(root), 'test')  # whose rows are as they were


@pytest.mark.parametrize('setting', DATASETS)
@pytest.mark.parametrize('name', ['../x', '/tmp/x', '', '.', 'a\\b'])
def test_a_name_that_leads_elsewhere_is_refused(
    setting, name, tmp_path, request
):
    root = tiny_copy(request.getfixturevalue(f'tiny_{setting}'), tmp_path)
    dataset = DATASETS[setting]
    columns = [NAMES[setting]] + ['category'] * (setting == 's4')
    for column in columns:
        whole = (root / dataset.ANN_FILE).read_text()

        def change(rows, column=column):
            rows[1][rows[0].index(column)] = name
            return rows

        rewrite(root / dataset.ANN_FILE, change)
        with pytest.raises(ValueError) as error:
            dataset(str(root), 'train')
        for part in (f'line 2, column {column!r}', 'cannot name a file'):
            assert part in str(error.value)
        with pytest.raises(ValueError, match='cannot name a file'):
            list_jobs(setting, root)  # and so do the tools that prepare
        (root / dataset.ANN_FILE).write_text(whole)


def test_empty_split_is_named(tiny_ms3, tmp_path):
    root = tiny_copy(tiny_ms3, tmp_path)
    rewrite(
        root / 'ms3_meta_data.csv',
        lambda rows: [row for row in rows if row[1] != 'val'],
    )
    with pytest.raises(ValueError, match="no clip of split 'val'.*Fix"):
        AVSBenchMS3Dataset(str(root), 'val')


@pytest.mark.parametrize(
    'pattern',
    [
        'ms3_data/visual_frames/ms3_train_00002/*_4.png',
        'ms3_data/gt_masks/train/ms3_train_00002/*_1.png',
        'ms3_data/audio_wav/train/ms3_train_00002.wav',
    ],
)
def test_row_whose_files_are_absent_is_named(tiny_ms3, tmp_path, pattern):
    root = tiny_copy(tiny_ms3, tmp_path)
    (path,) = root.glob(pattern)
    path.unlink()
    with pytest.raises(FileNotFoundError) as error:
        AVSBenchMS3Dataset(str(root), 'train')
    assert f'ms3_train_00002: {path} not found' in str(error.value)
    assert '1 of 4 clips' in str(error.value) and 'Fix' in str(error.value)
    AVSBenchMS3Dataset(str(root), 'val')  # the others are whole
    AVSBenchMS3Dataset(str(root), 'train', check_files=False)


def test_the_files_of_the_pipeline_are_looked_for(tiny_ms3, tmp_path):
    """Released log-mels stand in place of wav files; no sound, no files."""
    root = tiny_copy(tiny_ms3, tmp_path)
    shutil.rmtree(root / 'ms3_data' / 'audio_wav')
    job, *_ = list_jobs('ms3', root)
    log_mel = root / f'ms3_data/audio_log_mel/{job.split}/{job.clip_id}.pkl'
    log_mel.parent.mkdir(parents=True)
    log_mel.write_bytes(pickle.dumps(torch.zeros(5, 1, 96, 64)))

    def dataset(*pipeline, **options):
        return AVSBenchMS3Dataset(str(root), pipeline=pipeline, **options)

    released = dict(type='LoadReleasedLogMel')
    for pipeline in ([], [dict(type='LoadAudio')]):
        with pytest.raises(FileNotFoundError, match=f'{job.clip_id}.wav not'):
            dataset(*pipeline)
    with pytest.raises(FileNotFoundError, match='lack files.*audio_log_mel'):
        dataset(released)
    rewrite(root / 'ms3_meta_data.csv', lambda rows: rows[:2])
    assert dataset(released)[0]['audio'].shape == (5, 1, 96, 64)
    assert len(dataset(dict(type='ForEachFrame', transforms=[]))) == 1


def test_ms3_alone_forgives_rounding(tiny_ms3, tiny_s4, tmp_path):
    for dataset, source in (
        (AVSBenchMS3Dataset, tiny_ms3),
        (AVSBenchS4Dataset, tiny_s4),
    ):
        root = tiny_copy(source, tmp_path)
        clips = dataset(str(root), 'train', pipeline=PIPELINE)
        path = clips.get_data_info(0)['frames'][0]['seg_map_path']
        mask = np.zeros((64, 64), np.uint8)
        mask[:8], mask[8] = 254, 255
        Image.fromarray(mask).save(path)
        if dataset is AVSBenchS4Dataset:
            with pytest.raises(ValueError, match=r'other than 0 and 255'):
                clips[0]
            continue
        truth = clips[0]['data_samples'].gt_sem_seg.data[0, 0].numpy()
        assert (truth == (mask > 0)).all()


def test_mask_of_another_size_is_named(tiny_ms3, tmp_path):
    root = tiny_copy(tiny_ms3, tmp_path)
    dataset = AVSBenchMS3Dataset(str(root), 'train', pipeline=PIPELINE)
    frame = dataset.get_data_info(0)['frames'][3]
    Image.new('L', (32, 48)).save(frame['seg_map_path'])
    with pytest.raises(ValueError) as error:
        dataset[0]
    for part in (frame['seg_map_path'], frame['img_path'], '32 x 48'):
        assert part in str(error.value)

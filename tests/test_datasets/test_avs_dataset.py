"""Anyone's clips, from folders and from a csv."""

import csv
import shutil
import wave

import numpy as np
import pytest
from mmengine.logging import MMLogger
from PIL import Image

from mmavs.datasets import AVSDataset
from mmavs.media.listing import natural_key

PIPELINE = [
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel'),
    dict(
        type='ForEachFrame',
        transforms=[dict(type='LoadFrame'), dict(type='LoadFrameMask')],
    ),
    dict(type='PackAVSInputs'),
]
CLASSES = dict(
    classes=('background', 'kettle', 'radio'),
    palette=[[0, 0, 0], [200, 0, 0], [0, 0, 200]],
)


def write_clip(base, name, num_frames, labeled=(), value=255):
    """Frames of grey level t, masks of one row, a second of noise each."""
    frames, masks = base / 'frames' / name, base / 'masks' / name
    frames.mkdir(parents=True)
    (base / 'audio').mkdir(exist_ok=True)
    for t in range(num_frames):
        Image.new('RGB', (20, 16), (t, t, t)).save(frames / f'{t}.png')
    for t in labeled:
        masks.mkdir(parents=True, exist_ok=True)
        mask = np.zeros((16, 20), np.uint8)
        mask[t] = value
        Image.fromarray(mask).save(masks / f'{t}.png')
    noise = np.random.default_rng(0).integers(-999, 999, num_frames * 16000)
    with wave.open(str(base / 'audio' / f'{name}.wav'), 'wb') as file:
        file.setparams((1, 2, 16000, 0, 'NONE', ''))
        file.writeframes(noise.astype('<i2').tobytes())


@pytest.fixture
def folders(tmp_path):
    write_clip(tmp_path / 'train', 'kitchen', 12, labeled=(2, 10))
    write_clip(tmp_path / 'train', 'street', 3)
    write_clip(tmp_path / 'test', 'garden', 4, labeled=range(4))
    return tmp_path


def write_csv(root, rows):
    path = root / 'clips.csv'
    with open(path, 'w', newline='') as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path.name


def test_folders_are_read_in_natural_order(folders):
    dataset = AVSDataset(str(folders), 'train', pipeline=PIPELINE)
    assert len(dataset) == 2
    packed = dataset[0]
    images, sample = packed['inputs']['imgs'], packed['data_samples']
    assert images.shape == (12, 3, 16, 20)
    assert images[:, 0, 0, 0].tolist() == list(range(12))  # 2 before 10
    assert packed['inputs']['audio'].shape == (12, 1, 96, 64)
    assert sample.clip_id == 'kitchen' and sample.labeled_frames == [2, 10]
    masks = sample.gt_sem_seg.data[:, 0]
    assert masks[2, 2].eq(1).all() and masks[2].sum() == 20
    assert masks[10, 10].eq(1).all() and (masks[3] == 255).all()


def test_clips_without_masks_serve_for_prediction(folders):
    dataset = AVSDataset(str(folders), 'train', pipeline=PIPELINE)
    sample = dataset[1]['data_samples']
    assert sample.num_frames == 3 and sample.labeled_frames == []
    assert 'gt_sem_seg' not in sample


def test_no_split_reads_the_root(folders):
    dataset = AVSDataset(str(folders / 'test'), None, pipeline=PIPELINE)
    assert [s['data_samples'].clip_id for s in dataset] == ['garden']


def test_csv_names_every_place(folders):
    rows = [
        dict(
            clip_id='a',
            frames='train/frames/kitchen',
            audio='train/audio/kitchen.wav',
            masks='train/masks/kitchen',
            split='fit',
            category='kettle',
        ),
        dict(
            clip_id='b',
            frames='train/frames/street',
            audio='train/audio/street.wav',
            masks='',
            split='judge',
            category='',
        ),
    ]
    name = write_csv(folders, rows)
    fit = AVSDataset(str(folders), 'fit', ann_file=name, pipeline=PIPELINE)
    sample = fit[0]['data_samples']
    assert len(fit) == 1 and sample.labeled_frames == [2, 10]
    assert sample.category == 'kettle'
    assert len(AVSDataset(str(folders), None, ann_file=name)) == 2
    for row in rows:
        del row['split']
    write_csv(folders, rows)
    assert len(AVSDataset(str(folders), None, ann_file=name)) == 2
    with pytest.raises(ValueError, match=r"clips.csv has no column \['split"):
        AVSDataset(str(folders), 'fit', ann_file=name)


def test_own_classes_are_read_as_indices(tmp_path):
    write_clip(tmp_path, 'kitchen', 2, labeled=(0, 1), value=2)
    dataset = AVSDataset(
        str(tmp_path), None, metainfo=CLASSES, pipeline=PIPELINE
    )
    masks = dataset[0]['data_samples'].gt_sem_seg.data
    assert masks.unique().tolist() == [0, 2]
    assert dataset.metainfo['classes'] == CLASSES['classes']
    write_clip(tmp_path, 'office', 1, labeled=(0,), value=3)
    dataset = AVSDataset(
        str(tmp_path), None, metainfo=CLASSES, pipeline=PIPELINE
    )
    with pytest.raises(ValueError, match=r'office/0.png.*0\.\.2 \(3\)'):
        dataset[1]


def test_own_colours_are_read_by_the_palette(tmp_path):
    write_clip(tmp_path, 'kitchen', 1)
    colors = np.zeros((16, 20, 3), np.uint8)
    colors[4] = CLASSES['palette'][2]
    (tmp_path / 'masks' / 'kitchen').mkdir(parents=True)
    Image.fromarray(colors).save(tmp_path / 'masks' / 'kitchen' / '0.png')
    dataset = AVSDataset(
        str(tmp_path),
        None,
        mask_encoding='palette',
        metainfo=CLASSES,
        pipeline=PIPELINE,
    )
    mask = dataset[0]['data_samples'].gt_sem_seg.data[0, 0]
    assert mask[4].eq(2).all() and mask.sum() == 40


def test_what_is_missing_is_named(folders):
    with pytest.raises(FileNotFoundError, match='dev/frames.*your_dataset'):
        AVSDataset(str(folders), 'dev')
    (folders / 'train' / 'frames' / 'empty').mkdir()
    with pytest.raises(
        ValueError, match='clip empty of .*: no picture in.*Fix'
    ):
        AVSDataset(str(folders), 'train')
    (folders / 'train' / 'frames' / 'empty').rmdir()
    (folders / 'train' / 'audio' / 'street.wav').unlink()
    with pytest.raises(FileNotFoundError, match='street.wav not found'):
        AVSDataset(str(folders), 'train')


def test_mask_without_a_frame_is_named(folders):
    (folders / 'test' / 'frames' / 'garden' / '3.png').unlink()
    with pytest.raises(ValueError, match='garden/3.png has no frame.*Fix'):
        AVSDataset(str(folders), 'test')


def test_csv_with_an_absent_mask_folder_is_named(folders):
    row = dict(
        clip_id='a',
        frames='train/frames/kitchen',
        audio='train/audio/kitchen.wav',
        masks='train/masks/kitchn',
    )
    name = write_csv(folders, [row])
    with pytest.raises(FileNotFoundError, match='clip a: masks not found'):
        AVSDataset(str(folders), None, ann_file=name)


def test_hidden_and_stray_files_are_no_clips_and_no_frames(folders):
    frames = folders / 'train' / 'frames'
    for name in ('.DS_Store', 'notes.txt', 'street/._0.png'):
        (frames / name).write_bytes(b'')
    (frames / '.ipynb_checkpoints').mkdir()
    dataset = AVSDataset(str(folders), 'train')
    found = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [(clip['clip_id'], clip['num_frames']) for clip in found] == [
        ('kitchen', 12),
        ('street', 3),
    ]


def test_masks_of_an_unknown_clip_are_named(folders):
    masks = folders / 'train' / 'masks'
    (masks / 'kitchen').rename(masks / 'Kitchen')
    with pytest.raises(ValueError, match="no frames.*'Kitchen'. Fix"):
        AVSDataset(str(folders), 'train')


@pytest.mark.parametrize('kind', ['frames', 'masks'])
def test_two_pictures_of_one_name_are_named(folders, kind):
    path = folders / 'train' / kind / 'kitchen' / '2.png'
    path.with_suffix('.jpg').write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=f"{kind}/kitchen.*'2'. Fix"):
        AVSDataset(str(folders), 'train')


@pytest.mark.parametrize(
    'rows, message',
    [
        ([{}, {}], "lines 2 and 3: clip 'k' is listed twice. Fix: "),
        ([dict(audio='')], "line 2, column 'audio': '' cannot name .*Fix: "),
        ([dict(clip_id='')], "line 2, column 'clip_id': '' cannot .*Fix: "),
        ([{}, dict(clip_id='../k')], "line 3, column 'clip_id': '../k' can"),
        ([dict(frames='/tmp')], "column 'frames': '/tmp' cannot name"),
        ([dict(masks='train/../..')], "column 'masks': .* leads out of"),
        ([dict(category='..')], "column 'category': '..' cannot name"),
    ],
)
def test_rows_that_cannot_be_used_are_named(folders, rows, message):
    row = dict(
        clip_id='k',
        frames='train/frames/kitchen',
        audio='train/audio/kitchen.wav',
        masks='',
        category='',
    )
    name = write_csv(folders, [{**row, **change} for change in rows])
    with pytest.raises(ValueError, match=f'clips.csv.*{message}'):
        AVSDataset(str(folders), None, ann_file=name)


def test_blanks_after_commas_do_not_count(folders):
    (folders / 'clips.csv').write_text(
        'clip_id, frames, audio, split\n'
        'k, train/frames/kitchen, train/audio/kitchen.wav, fit\n'
    )
    assert len(AVSDataset(str(folders), 'fit', ann_file='clips.csv')) == 1


def test_a_split_without_any_mask_is_announced(folders, caplog):
    shutil.rmtree(folders / 'test' / 'masks')
    MMLogger.get_current_instance().addHandler(caplog.handler)
    for split in ('train', 'test'):
        AVSDataset(str(folders), split)
    MMLogger.get_current_instance().removeHandler(caplog.handler)
    (message,) = [record.getMessage() for record in caplog.records]
    assert "no clip of split 'test'" in message


def test_natural_key():
    names = ['f10.png', 'f2.png', '1.png', 'f2b.png', 'a.png', '02.png']
    assert sorted(names, key=natural_key) == [
        '1.png',
        '02.png',
        'a.png',
        'f2.png',
        'f2b.png',
        'f10.png',
    ]


def test_options_of_the_base_and_no_others(folders):
    first = AVSDataset(folders, indices=1, lazy_init=True)
    first.full_init()
    assert len(first) == 1
    with pytest.raises(TypeError, match="'masks'"):
        AVSDataset(folders, masks='masks')

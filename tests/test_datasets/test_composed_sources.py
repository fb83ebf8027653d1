"""What goes into composed clips, and what is left out with a reason."""

import csv
import json
import shutil

import cv2
import numpy as np
import pytest
from composed_sources import (
    gathered,
    write_disc,
    write_sources,
    write_tone,
)

from mmavs.datasets.avss_classes import AVSS_CLASSES
from mmavs.datasets.composed import gather
from mmavs.datasets.composed.class_map import (
    KNOWN_CLASSES,
    class_of_folder,
    class_of_labels,
)
from mmavs.datasets.composed.coco import instance_mask, read_coco
from mmavs.datasets.composed.own_folders import read_folders
from mmavs.datasets.composed.preparing import (
    background_pictures,
    cut_out,
    dense_sound,
)
from mmavs.datasets.composed.sound_libraries import read_library
from mmavs.datasets.composed.tuxpaint import STAMPS, read_stamps


def left_out(root):
    with (root / 'LEFT_OUT.csv').open(newline='') as file:
        return {row['what']: row['reason'] for row in csv.DictReader(file)}


def test_bad_files_are_named_and_the_rest_goes_on(tmp_path):
    root = write_sources(tmp_path / 'in')
    objects, sounds = root / 'objects', root / 'sounds'
    cv2.imwrite(str(objects / 'dog/flat.png'), np.ones((40, 40, 3)))
    cv2.imwrite(str(objects / 'dog/full.png'), np.full((40, 40, 4), 255))
    cv2.imwrite(str(objects / 'dog/empty.png'), np.zeros((40, 40, 4)))
    (objects / 'dog/cut.png').write_bytes(
        (objects / 'dog/0.png').read_bytes()[:60]
    )
    write_disc(objects / 'loose.png', (9, 9, 9))
    write_disc(objects / 'harp/mute.png', (9, 9, 9))
    write_tone(sounds / 'bell/unseen.wav', 500)
    write_tone(sounds / 'dog/silent.wav', 0)
    write_tone(sounds / 'dog/short.wav', 500, 0.05)
    (sounds / 'dog/text.ogg').write_text('no sound')
    material = gathered(root, tmp_path / 'out')
    assert [kind.name for kind in material.classes] == ['boat', 'dog', 'drum']
    reasons = left_out(tmp_path / 'out')
    assert 'no alpha' in reasons['objects/dog/flat.png']
    assert 'opaque everywhere' in reasons['objects/dog/full.png']
    assert 'alpha is empty' in reasons['objects/dog/empty.png']
    assert 'objects/dog/cut.png' in reasons
    assert 'in a folder of its class' in reasons[str(objects / 'loose.png')]
    assert '1 pictures, 0 recordings' in reasons['class harp']
    assert '0 pictures, 1 recordings' in reasons['class bell']
    assert reasons['sounds/dog/silent.wav'] == 'it is silent'
    assert 'less than 0.1 s' in reasons['sounds/dog/short.wav']
    assert 'sounds/dog/text.ogg' in reasons
    assert len(reasons) == 10


def test_too_little_is_one_error(tmp_path):
    root = write_sources(tmp_path / 'in')
    for number in (0, 1, 2):
        (root / 'backgrounds' / f'{number}.jpg').unlink()
    with pytest.raises(
        ValueError, match='1 usable backgrounds for train.*Fix'
    ):
        gathered(root, tmp_path / 'out')
    root = write_sources(tmp_path / 'in2')
    shutil.rmtree(root / 'sounds/dog')
    shutil.rmtree(root / 'sounds/drum')
    with pytest.raises(
        ValueError, match='1 classes have.* 2 left out, the.*Fix'
    ):
        gathered(root, tmp_path / 'out2')
    with pytest.raises(FileNotFoundError, match='no sound in .*CLASS/.*wav'):
        read_folders('sound', tmp_path / 'in/objects')


def test_silence_is_taken_out_of_a_recording():
    """Pauses of more than 0.15 s become 0.15 s; the ends go."""
    tone = np.sin(np.arange(8000) * 0.3).astype(np.float32) * 0.1
    silence = np.zeros(16000, np.float32)
    dense = dense_sound(
        np.concatenate([silence, tone, silence, tone, silence])
    )
    assert abs(len(dense) - (8000 + 2400 + 8000)) <= 2 * 320
    assert np.abs(dense).max() == pytest.approx(0.98)
    assert np.abs(dense[8400:9900]).max() < 1e-6


def test_a_cut_out_is_cropped_and_its_edge_keeps_its_colour(tmp_path):
    path = tmp_path / 'dog/0.png'
    write_disc(path, (0, 0, 200), side=200)
    ((item,), _) = read_folders('picture', tmp_path, 'CC0')
    small = cut_out(item, 24)
    assert small.shape == (24, 24, 4)
    edge = (small[..., 3] > 20) & (small[..., 3] < 235)
    assert edge.any() and (small[edge][:, 2] > 190).all()


def test_a_video_is_a_background(tiny_videos):
    pictures = background_pictures(tiny_videos, 32)
    assert len(pictures) == 40  # five seconds at 8 per second
    assert min(pictures[0].shape[:2]) == 56


@pytest.fixture(scope='module')
def tiny_videos(tmp_path_factory):
    from mmavs.testing import tiny_avsbench

    root = tmp_path_factory.mktemp('video')
    few = dict(train=1, val=0, test=0)
    tiny_avsbench(root, 'ms3', clips=few, size=48, video=True)
    return next(root.rglob('*.mp4'))


def write_coco(folder, **changes):
    """One photograph with a dog of 70 x 80 pixels, and what is left out."""
    square = [20, 10, 90, 10, 90, 90, 20, 90]

    def entry(number, category=18, box=(20, 10, 70, 80), **more):
        left, top, width, height = box
        return dict(
            id=number,
            image_id=1,
            category_id=category,
            bbox=list(box),
            area=width * height,
            segmentation=[square],
            **more,
        )

    content = dict(
        images=[
            dict(id=1, file_name='a.png', width=120, height=100, license=4)
        ],
        categories=[dict(id=18, name='dog'), dict(id=67, name='dining table')],
        licenses=[dict(id=4, name='Attribution License')],
        annotations=[
            entry(1),
            entry(2, category=67),
            entry(3, box=(20, 10, 30, 40)),
            entry(4, box=(0, 10, 90, 80)),
            entry(5, iscrowd=1),
            entry(6, category=99),
        ],
    )
    content.update(changes)
    path = folder / 'instances.json'
    path.write_text(json.dumps(content))
    picture = np.zeros((100, 120, 3), np.uint8)
    cv2.imwrite(str(folder / 'a.png'), picture)
    return path


def test_coco_instances(tmp_path):
    items, lines = read_coco(write_coco(tmp_path), tmp_path)
    (item,) = items
    assert (item.kind, item.avss, item.licence) == (
        'dog',
        'dog',
        'Attribution License',
    )
    opaque = cut_out(item, 200)[..., 3] > 127
    assert opaque.any(1).sum() == 80 and opaque.any(0).sum() == 70
    reasons = ' / '.join(line.reason for line in lines)
    for reason in ('no sound', 'smaller', 'cut off', 'crowds', 'as COCO has'):
        assert reason in reasons
    damaged = write_coco(tmp_path, images=3)
    with pytest.raises(ValueError, match='not in COCO format.*Fix'):
        read_coco(damaged, tmp_path)
    outside = dict(id=1, file_name='../a.png', width=120, height=100)
    items, lines = read_coco(write_coco(tmp_path, images=[outside]), tmp_path)
    assert not items and 'leads out of its folder' in lines[0].reason


def test_outlines_as_polygons_and_runs():
    polygon = [[2.0, 1.0, 6.0, 1.0, 6.0, 4.0, 2.0, 4.0]]
    wanted = np.zeros((5, 8), np.uint8)
    wanted[1:4, 2:6] = 255
    instance = dict(segmentation=polygon, size=(5, 8))
    assert ((instance_mask(instance, (5, 8)) > 127) * 255 == wanted).all()
    # columns: 11 zeros, then 3 of 5 rows in each of 4 columns
    counts = [11, 3, 2, 3, 2, 3, 2, 3, 11]
    instance['segmentation'] = dict(counts=counts, size=[5, 8])
    assert (instance_mask(instance, (5, 8)) == wanted).all()
    for wrong in (
        [[1, 2, 3]],
        [[float('nan')] * 6],
        dict(counts=[3], size=[5, 8]),
        dict(counts=[40], size=[500000, 800000]),
    ):
        with pytest.raises(ValueError):
            instance_mask(dict(instance, segmentation=wrong), (5, 8))
    with pytest.raises(ValueError, match='9 x 5 pixels, annotated at 8 x 5'):
        instance_mask(instance, (5, 9))


LIBRARIES = {
    'esc50': (
        'filename,fold,target,category,esc10,src_file,take\n'
        '1-100032-A-0.wav,1,0,dog,True,100032,A\n'
        '1-17092-A-27.wav,1,27,brushing_teeth,False,17092,A\n'
        '1-1-A-9.wav,1,9,rain,False,1,A\n'
        '1-2-A-0.wav,1,0,dog,True,2,A\n',
        ['1-100032-A-0.wav', '1-17092-A-27.wav'],
        ['dog', 'toothbrush'],
    ),
    'vggsound': (
        '-Ab_c,30,"bird chirping, tweeting",train\n'
        'xyz,5,people crowd,train\nabsent,7,dog barking,test\n',
        ['-Ab_c_000030.ogg'],
        ['bird'],
    ),
    'fsd50k': (
        'fname,labels,mids,split\n'
        '10,"Bark,Dog,Domestic_animals_and_pets,Animal","/m/1,/m/2",train\n'
        '11,"Bark,Dog,Meow,Cat","/m/1,/m/2",train\n'
        '12,"Acoustic_guitar,Guitar,Musical_instrument",/m/1,val\n'
        '13,"Bark,Dog",/m/1,val\n',
        ['10.wav', '12.wav'],
        ['dog', 'guitar'],
    ),
}


@pytest.mark.parametrize('name', LIBRARIES)
def test_sound_libraries(tmp_path, name):
    table, files, kinds = LIBRARIES[name]
    (tmp_path / 'list.csv').write_text(table)
    for file in files:
        (tmp_path / 'audio').mkdir(exist_ok=True)
        (tmp_path / 'audio' / file).touch()
    items, lines = read_library(
        name, tmp_path / 'list.csv', tmp_path / 'audio'
    )
    assert [item.kind for item in items] == kinds
    assert [item.path.name for item in items] == files
    assert [line.what for line in lines] == ['1 rows of list.csv'] * 2
    other = LIBRARIES['esc50' if name != 'esc50' else 'fsd50k'][0]
    (tmp_path / 'list.csv').write_text(other)
    with pytest.raises(ValueError, match='list.csv.*Fix: give'):
        read_library(name, tmp_path / 'list.csv', tmp_path / 'audio')


def test_the_class_map_is_unambiguous():
    labels = [label for known in KNOWN_CLASSES for label in known.sounds]
    assert len(labels) == len(set(labels))
    assert class_of_labels(['Bark', 'Dog', 'Animal']) == 'dog'
    assert class_of_labels(['Bark', 'Meow']) is None
    assert class_of_folder('horse_clip-clop') == 'horse'
    assert class_of_folder('Violin, fiddle') == 'violin'
    assert class_of_folder('my own thing') == 'my own thing'


def test_stamps(tmp_path):
    assert all(s.avss is None or s.avss in AVSS_CLASSES for s in STAMPS)
    assert len({stamp.path for stamp in STAMPS}) == len(STAMPS) > 60
    for suffix in ('png', 'ogg'):
        path = tmp_path / f'animals/mammals/dogs/dog.{suffix}'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    items, lines = read_stamps(tmp_path)
    assert [item.kind for item in items] == ['dog', 'dog']
    assert {item.licence[:5] for item in items} == {'GPL-2'}
    assert len(lines) == len(STAMPS) - 1
    with pytest.raises(FileNotFoundError, match='Fix: apt-get install tux'):
        read_stamps(tmp_path / 'none')


def test_coco_and_esc50_make_a_set(tmp_path):
    """Photographs and recordings of two collections meet in the class map."""
    write_coco(tmp_path)
    content = json.loads((tmp_path / 'instances.json').read_text())
    cat = dict(content['annotations'][0], id=7, category_id=17)
    content['annotations'].append(cat)
    content['categories'].append(dict(id=17, name='cat'))
    (tmp_path / 'instances.json').write_text(json.dumps(content))
    (tmp_path / 'esc50.csv').write_text(
        'filename,fold,target,category,esc10,src_file,take\n'
        'a.wav,1,0,dog,True,1,A\nb.wav,1,5,cat,True,2,A\n'
    )
    for name in 'ab':
        write_tone(tmp_path / 'audio' / f'{name}.wav', 500)
    root = write_sources(tmp_path / 'in')
    found = [
        read_coco(tmp_path / 'instances.json', tmp_path),
        read_library('esc50', tmp_path / 'esc50.csv', tmp_path / 'audio'),
        read_folders('background', root / 'backgrounds'),
    ]
    items = [item for part, _ in found for item in part]
    out = tmp_path / 'out'
    material = gather(items, [], out, 48, 9, workers=1, progress=False)
    assert [kind.name for kind in material.classes] == ['cat', 'dog']
    picture = cv2.imread(
        str(material.folder / material.classes[0].pictures['test'][0]), -1
    )
    assert picture.shape[2] == 4 and max(picture.shape) == 48
    licences = {row['licence'] for row in rows_of(out / 'SOURCES.csv')}
    assert licences == {
        'Attribution License',
        'CC BY-NC 3.0 (ESC-50)',
        'not stated',
    }


def rows_of(path):
    with path.open(newline='') as file:
        return list(csv.DictReader(file))

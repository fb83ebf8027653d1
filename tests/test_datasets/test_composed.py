"""Clips composed of pictures and recordings: events, layouts, splits."""

import csv
import hashlib

import cv2
import numpy as np
import pytest
from composed_sources import COLORS, TONES, gathered, write_sources
from run_tool import run_tool

from mmavs.analysis import deaf_oracle
from mmavs.analysis.deaf_oracle import score_deaf
from mmavs.audio import read_wav
from mmavs.datasets import AVSBenchMS3Dataset, AVSBenchSemanticDataset
from mmavs.datasets.avss_classes import AVSS_CLASSES
from mmavs.datasets.composed import compose as compose_module
from mmavs.datasets.composed import ensure_composed
from mmavs.datasets.composed.compose import ComposedWorld
from mmavs.datasets.composed.items import Item, split_by_origin
from mmavs.datasets.synthetic import ensure_synthetic, read_side_file
from mmavs.datasets.synthetic.script import write_script

NAMES = sorted(COLORS)  # of labels 0, 1, 2


@pytest.fixture(scope='module')
def sources(tmp_path_factory):
    return write_sources(tmp_path_factory.mktemp('sources'))


@pytest.fixture(scope='module')
def material(sources, tmp_path_factory):
    return gathered(sources, tmp_path_factory.mktemp('composed'))


def compose(root, material, setting='ms3', train=3, **options):
    clips = dict(train=train, val=1, test=2)
    return ensure_composed(
        root,
        setting,
        material,
        clips,
        48,
        workers=1,
        progress=False,
        **options,
    )


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.md5(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def test_masks_are_what_sounds_and_sounds_are_of_the_class(material, tmp_path):
    root = compose(tmp_path, material, train=6)
    side = read_side_file(root)
    assert side['classes'] == NAMES
    data = root / 'ms3_data'
    for clip_id, clip in side['clips'].items():
        place = f'{clip["split"]}/{clip_id}'
        wave = read_wav(data / 'audio_wav' / f'{place}.wav')[0].numpy()
        for t, sounding in enumerate(clip['sounding']):
            name = f'{clip_id}_{t + 1}.png'
            mask = cv2.imread(str(data / 'gt_masks' / place / name), -1)
            frame = cv2.imread(
                str(
                    data
                    / 'visual_frames'
                    / clip_id
                    / f'{clip_id}.mp4_{t + 1}.png'
                )
            )
            assert mask.any() == bool(sounding)
            if mask.any():  # as colourful as the discs, unlike backgrounds
                inside = frame[mask > 0].astype(int)
                assert np.median(np.ptp(inside, axis=1)) > 80
            heard = {*sounding, *clip['off_screen'][t]}
            spectrum = np.abs(
                np.fft.rfft(wave.reshape(-1)[16000 * t :][:16000])
            )
            for label, kind in enumerate(NAMES):
                # the recording's tone, played up to 5 % slower or faster
                low, high = (int(f * TONES[kind]) for f in (0.94, 1.06))
                peak = spectrum[low:high].max()
                # a room's echo of the second before is 10 times softer
                assert (peak > 200) == (label in heard), (clip_id, t, kind)


def test_owner_of_a_pixel_is_what_shows(material):
    """The mask of what is covered does not reach below what covers it."""
    world = ComposedWorld(material.folder, semantic=False)
    checked = 0
    for index in range(12):
        script = write_script('ms3', 'train', index, 0, 3)
        frame, owner = world.scene(script, (48, 48)).render(0.875)
        for label in script.visible:
            seen = frame[owner == label + 1]
            if len(seen) < 20:
                continue
            strongest = np.argmax(COLORS[NAMES[label]])
            agree = np.argmax(seen, axis=1) == strongest
            assert agree.mean() > 0.9
            checked += 1
    assert checked > 20


def test_same_seed_same_files_and_a_killed_run_is_carried_on(
    material, tmp_path, monkeypatch
):
    whole = digests(compose(tmp_path / 'a', material))
    render, drawn = compose_module.ComposedScene.render, []

    def killed(scene, time):
        if len(drawn) == 12:
            raise KeyboardInterrupt
        drawn.append(time)
        return render(scene, time)

    scene = compose_module.ComposedScene
    monkeypatch.setattr(scene, 'render', killed)
    with pytest.raises(KeyboardInterrupt):
        compose(tmp_path / 'b', material)
    monkeypatch.setattr(scene, 'render', render)
    assert digests(compose(tmp_path / 'b', material)) == whole
    other = digests(compose(tmp_path / 'c', material, seed=1))
    assert other != whole


@pytest.mark.parametrize('setting', ['s4', 'all', 'avss'])
def test_other_layouts(material, tmp_path, setting):
    root = compose(tmp_path, material, setting)
    if setting == 's4':
        names = {p.name for p in (root / 's4_data/gt_masks').glob('*/*')}
        assert names <= {'dog_barking', 'boat', 'drum'}
    elif setting == 'all':
        clips = read_side_file(root)['clips'].values()
        assert all(
            set(second) == set(clip['visible'])
            for clip in clips
            for second in clip['sounding']
        )
        maps = (root / 'ms3_data/gt_categories').rglob('*.png')
        found = {v for p in maps for v in np.unique(cv2.imread(str(p), -1))}
        assert found == {0, 7, 255}  # dog_barking is 7th; others unknown
    else:
        dataset = AVSBenchSemanticDataset(str(root), split='train')
        assert len(dataset) == 3
        known = {0, *(AVSS_CLASSES.index(name) for name in NAMES)}
        for path in root.glob('*/*/labels_semantic/*.png'):
            assert set(np.unique(cv2.imread(str(path), -1))) <= known


def test_read_by_the_data_set_with_groups(material, tmp_path):
    root = compose(tmp_path, material)
    dataset = AVSBenchMS3Dataset(str(root), split='train')
    groups = [dataset.get_data_info(i)['group'] for i in range(3)]
    assert groups == ['constant', 'switching', 'constant']


def test_splits_share_no_background_and_no_file_of_several(material, sources):
    parts = material.backgrounds
    assert sum(map(len, parts.values())) == 4
    assert len({name for part in parts.values() for name in part}) == 4
    for kind in material.classes:
        assert not set(kind.pictures['train']) & set(kind.pictures['test'])
        assert kind.pictures['val'] == kind.pictures['test']
        assert kind.sounds['train'] == kind.sounds['test']  # the only one


def test_crops_of_one_photograph_stay_together():
    items = [
        Item('picture', 'dog', None, f'{n}', 'CC0', group=f'photo {n // 4}')
        for n in range(40)
    ]
    parts = split_by_origin(items)
    groups = [{item.group for item in part} for part in parts.values()]
    assert [len(group) for group in groups] == [6, 2, 2]
    assert len(set.union(*groups)) == 10


def test_sources_name_every_file_with_its_licence(material):
    path = material.folder.parent / 'SOURCES.csv'
    with path.open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 + 3 + 4
    assert {row['licence'] for row in rows} == {'CC0'}
    assert (
        rows[-1]['class'] == 'drum' and rows[-1]['splits'] == 'train val test'
    )
    assert rows[-1]['file'] == 'sounds/drum/tone.wav'


def test_oracle_without_hearing_by_hand(material, tmp_path, monkeypatch):
    """One clip, two objects of one size, one of which sounds: J is 1/2."""
    root = compose(tmp_path, material)
    owner = np.zeros((48, 48), np.uint8)
    owner[:10, :10], owner[20:30, 20:30] = 1, 2

    def outlines(script, world, size):
        seen = np.stack([owner > 0] * 5).astype(np.float32)
        return seen, np.stack([owner == 1] * 5).astype(np.uint8)

    monkeypatch.setattr(deaf_oracle, '_masks', outlines)
    deaf = score_deaf(root, material, most=1, workers=1)
    assert (deaf.split, deaf.clips) == ('test', 1)
    assert deaf.mIoU == pytest.approx(50, abs=0.01)
    # precision 1/2, recall 1, beta^2 0.3
    assert deaf.mFscore == pytest.approx(100 * 1.3 * 0.5 / 1.15, abs=0.01)


def test_folders_of_other_clips_are_not_added_to(material, sources, tmp_path):
    made = ensure_synthetic(
        tmp_path,
        'ms3',
        dict(train=1, val=0, test=0),
        48,
        progress=False,
        workers=1,
    )
    before = digests(made)
    with pytest.raises(ValueError, match='synthetic AVSBench.*Fix: choose'):
        compose(tmp_path, material)
    assert digests(made) == before
    mine = tmp_path / 'mine'
    first = gathered(sources, mine)
    compose(mine, first, train=1)
    before = digests(mine)
    with pytest.raises(ValueError, match='other pictures, recordings.*Fix'):
        gathered(sources, mine, size=40)
    after = digests(mine)
    assert {name: after[name] for name in before} == before
    with pytest.raises(ValueError, match='other pictures, recordings'):
        compose(mine, gathered(sources, tmp_path / 'other', 40), train=1)


def test_the_tool(sources, tmp_path, monkeypatch, capsys):
    words = ['--out', tmp_path / 'out', '--size', 48, '--workers', 1]
    for name in ('objects', 'sounds', 'backgrounds'):
        words += [f'--{name}', sources / name]
    words += ['--clips', 'train=1', 'test=2']
    run_tool(
        'dataset_converters/compose_clips', *words, monkeypatch=monkeypatch
    )
    said = capsys.readouterr().out
    assert '3 classes: 6 pictures, 3 recordings; 4 backgrounds' in said
    assert 'hears nothing: J ' in said and 'on 2 clips of test' in said
    words += ['--classes', 'dog', 'horse']
    with pytest.raises(ValueError, match="no source has ..horse'.. Fix: "):
        run_tool(
            'dataset_converters/compose_clips', *words, monkeypatch=monkeypatch
        )
    assert (tmp_path / 'out/SOURCES.csv').is_file()
    with pytest.raises(ValueError, match='no source given. Fix: add --obj'):
        run_tool(
            'dataset_converters/compose_clips',
            '--out',
            tmp_path / 'none',
            monkeypatch=monkeypatch,
        )
    assert not (tmp_path / 'none').exists()

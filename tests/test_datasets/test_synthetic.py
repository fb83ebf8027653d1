"""The synthetic AVSBench: deterministic, in layout, and led by sound."""

import hashlib
import json
import multiprocessing
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmavs.audio import read_wav
from mmavs.compat.av_files import open_media
from mmavs.compat.av_pictures import converted
from mmavs.datasets import AVSBenchMS3Dataset, AVSBenchS4Dataset
from mmavs.datasets.s4_categories import S4_CATEGORIES
from mmavs.datasets.synthetic import CLASSES, ensure_synthetic, read_side_file
from mmavs.datasets.synthetic import generate as generate_module
from mmavs.datasets.synthetic.scene import Scene
from mmavs.datasets.synthetic.script import SPLITS
from mmavs.testing import tiny_copy

FEW = dict(train=2, val=1, test=1)


def make(root, setting='ms3', clips=None, size=48, **options):
    return ensure_synthetic(
        root, setting, clips or FEW, size, workers=1, progress=False, **options
    )


def digest(folder: Path) -> dict:
    return {
        str(path.relative_to(folder)): hashlib.md5(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def test_same_seed_same_files_whatever_the_workers(tmp_path):
    clips = dict(train=12, val=0, test=0)
    one = make(tmp_path / 'a', clips=clips)
    two = ensure_synthetic(
        tmp_path / 'b', 'ms3', clips, 48, workers=2, progress=False
    )
    assert digest(one) == digest(two)
    other = make(tmp_path / 'c', clips=clips, seed=1)
    assert digest(one) != digest(other)


def test_ms3_masks_are_what_sounds(tiny_ms3):
    side = read_side_file(tiny_ms3)
    assert side['complete'] and len(side['clips']) == 9
    for clip_id, clip in side['clips'].items():
        folder = tiny_ms3 / 'ms3_data' / 'gt_masks' / clip['split'] / clip_id
        for t, sounding in enumerate(clip['sounding'], start=1):
            mask = cv2.imread(str(folder / f'{clip_id}_{t}.png'), -1)
            assert mask.shape == (64, 64) and mask.dtype == np.uint8
            assert set(np.unique(mask)) <= {0, 255}
            assert mask.any() == bool(sounding)
        wav = tiny_ms3 / 'ms3_data' / 'audio_wav' / clip['split']
        wave, rate = read_wav(wav / f'{clip_id}.wav')
        assert rate == 16000 and wave.shape[-1] == 80000


def test_all_sources_are_read_as_ms3(tmp_path):
    """Every visible object is labelled, with its category."""
    root = make(tmp_path, 'all')
    assert root == tmp_path / 'All-sources'
    dataset = AVSBenchMS3Dataset(
        str(root),
        pipeline=[
            dict(
                type='ForEachFrame',
                transforms=[
                    dict(type='LoadFrame'),
                    dict(type='LoadFrameMask'),
                    dict(type='LoadCategoryMap'),
                ],
            )
        ],
    )
    clips = read_side_file(root)['clips']
    for index in range(len(dataset)):
        info = clips[dataset.get_data_info(index)['clip_id']]
        seen = {CLASSES[label].category for label in info['visible']}
        for frame in dataset[index]['frames']:
            maps = frame['gt_category_map']
            found = {S4_CATEGORIES[v - 1] for v in np.unique(maps) if v}
            assert found and found <= seen
            np.testing.assert_array_equal(maps > 0, frame['gt_seg_map'] == 1)


def test_s4_labels_the_first_training_frame_alone(tiny_s4):
    masks = tiny_s4 / 's4_data' / 'gt_masks'
    counts = {
        split: {len(list(c.iterdir())) for c in masks.glob(f'{split}/*/*')}
        for split in SPLITS
    }
    assert counts == {'train': {1}, 'val': {5}, 'test': {5}}


def test_s4_alone_is_read_as_s4(tmp_path):
    """One training frame is labelled, and every other one of the test."""
    root = make(tmp_path, 's4-alone')
    assert root == tmp_path / 'Single-source-alone'
    for split, labeled in (('train', [0]), ('test', [0, 1, 2, 3, 4])):
        dataset = AVSBenchS4Dataset(str(root), split)
        info = dataset.get_data_info(0)
        masks = [bool(frame['seg_map_path']) for frame in info['frames']]
        assert np.flatnonzero(masks).tolist() == labeled
        assert info['clip_id'].startswith(f's4-alone_{split}_')


def test_avss_has_three_parts_and_two_kinds_of_mask(tiny_avss):
    from mmavs.datasets.avss_classes import AVSS_CLASSES, AVSS_PALETTE

    table = json.loads((tiny_avss / 'label2idx.json').read_text())
    assert list(table) == list(AVSS_CLASSES)
    lengths = {
        part: {len(list(c.glob('frames/*.jpg'))) for c in folder.iterdir()}
        for part in ('v1s', 'v1m', 'v2')
        for folder in [tiny_avss / part]
    }
    assert lengths == {'v1s': {5}, 'v1m': {5}, 'v2': {10}}
    for path in tiny_avss.glob('*/*/labels_semantic/*.png'):
        labels = cv2.imread(str(path), -1)
        assert labels.shape == (64, 86)
        rgb_path = str(path).replace('labels_semantic', 'labels_rgb')
        colors = cv2.imread(rgb_path)
        colors = colors[..., ::-1]
        assert (np.array(AVSS_PALETTE)[labels] == colors).all()


def test_interrupted_run_is_carried_on(tmp_path, monkeypatch):
    whole = digest(make(tmp_path / 'whole'))
    real, written = generate_module.write_clip, []

    def stop_after_two(*args):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(args)
        real(*args)

    monkeypatch.setattr(generate_module, 'write_clip', stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / 'part')
    folder = tmp_path / 'part' / 'Multi-sources'
    assert not read_side_file(folder)['complete']
    wav = next(folder.rglob('*.wav'))
    before = wav.stat().st_mtime_ns
    monkeypatch.setattr(generate_module, 'write_clip', real)
    make(tmp_path / 'part')
    assert digest(folder) == whole
    assert wav.stat().st_mtime_ns == before  # not written again


def test_made_once_and_extended_on_request(tmp_path):
    folder = make(tmp_path)
    before = digest(folder)
    again = ensure_synthetic(tmp_path, 'ms3', progress=False)  # whatever is
    assert again == folder and digest(folder) == before
    make(tmp_path, clips=dict(train=4))
    after = digest(folder)
    assert len(read_side_file(folder)['clips']) == 6
    kept = [name for name in before if name.startswith('ms3_data')]
    assert all(after[name] == before[name] for name in kept)


def test_foreign_folder_is_not_touched(tmp_path):
    folder = tmp_path / 'Multi-sources'
    folder.mkdir()
    (folder / 'ms3_meta_data.csv').write_text('mine')
    with pytest.raises(FileExistsError, match='Multi-sources.*Fix'):
        make(tmp_path)
    assert (folder / 'ms3_meta_data.csv').read_text() == 'mine'


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(setting='s5'), "unknown setting 's5'"),
        (dict(clips=dict(dev=1)), "unknown split {'dev'}"),
        (dict(size=16), 'at least 32'),
    ],
)
def test_impossible_wishes_are_named(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        make(tmp_path, **options)


def test_other_choices_than_before_are_named(tmp_path, tiny_ms3):
    with pytest.raises(ValueError, match='size=64, not 32.*Fix'):
        ensure_synthetic(tiny_ms3.parent, 'ms3', size=32)
    root = tiny_copy(tiny_ms3, tmp_path)
    path = root / 'synthetic.json'
    whole = json.loads(path.read_text())
    odd_clips = {name: {} for name in whole['clips']}
    name = next(iter(odd_clips))

    def labels(label):
        return dict(visible=[0], sounding=[[0], [label]], off_screen=[[]])

    for content in (
        '{',
        '[]',
        '{}',
        json.dumps(dict(whole, clips=[])),
        json.dumps(dict(whole, clips=odd_clips)),
        json.dumps(dict(whole, clips={name: labels(99)})),
        json.dumps(dict(whole, clips={name: labels('dog')})),
        json.dumps(dict(whole, clips={name: dict(labels(0), visible=0)})),
        json.dumps(dict(whole, plan=dict(size=64))),
        json.dumps(dict(whole, plan=dict(whole['plan'], size='64'))),
        json.dumps(dict(whole, plan=dict(whole['plan'], setting=[]))),
        json.dumps(dict(whole, plan=dict(whole['plan'], clips=3))),
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match='synthetic.json is dam.*Fix: '):
            ensure_synthetic(tmp_path, 'ms3')


def test_video_holds_the_frames_and_the_sound(tmp_path):
    import av

    folder = make(tmp_path, clips=dict(train=2), size=64, video=True)
    clip_id = 'ms3_train_00001'
    path = folder / 'ms3_data' / 'raw_videos' / f'{clip_id}.mp4'
    with av.open(str(path)) as container:
        pictures = [
            converted(frame, format='bgr24').to_ndarray()
            for frame in container.decode(video=0)
        ]
    with av.open(str(path)) as container:
        sound = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(sound))
    assert len(pictures) == 40 and sound.rate == 16000
    assert abs(samples - 80000) < 3000  # the codec pads
    frames = folder / 'ms3_data' / 'visual_frames' / clip_id
    for second in range(5):
        frame = cv2.imread(str(frames / f'{clip_id}.mp4_{second + 1}.png'))
        index = int((second + 15 / 16) * 8)  # AVSBench's rule at 8 fps
        error = np.abs(pictures[index].astype(int) - frame)
        assert error.mean() < 8


@pytest.mark.skipif(
    not hasattr(os, 'sched_setaffinity'), reason='processors cannot be chosen'
)
def test_a_video_is_the_same_on_one_processor(tmp_path):
    everywhere = os.sched_getaffinity(0)
    options = dict(clips=dict(train=1), size=224, video=True)
    try:
        os.sched_setaffinity(0, {min(everywhere)})
        one = make(tmp_path / 'one', **options)
    finally:
        os.sched_setaffinity(0, everywhere)
    all_of_them = make(tmp_path / 'all', **options)
    name = 'ms3_data/raw_videos/ms3_train_00000.mp4'
    assert (one / name).read_bytes() == (all_of_them / name).read_bytes()


def test_a_run_killed_in_a_video_leaves_none(tmp_path, monkeypatch):
    """A stump would be taken for the whole video by the next run."""
    options = dict(clips=dict(train=1), size=64)
    folder = make(tmp_path, **options)
    render, drawn = Scene.render, []

    def killed(scene, time):
        if len(drawn) == 25:  # five frames on disk, half of the video's
            raise KeyboardInterrupt
        drawn.append(time)
        return render(scene, time)

    monkeypatch.setattr(Scene, 'render', killed)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, **options, video=True)
    assert not list(folder.rglob('*.mp4'))
    monkeypatch.setattr(Scene, 'render', render)
    make(tmp_path, **options, video=True)
    (path,) = folder.rglob('*.mp4')
    with open_media(path) as container:
        assert sum(1 for _ in container.decode(video=0)) == 40


def test_ranks_of_one_job_may_all_ask_at_once(tmp_path):
    context = multiprocessing.get_context('fork')
    ranks = [context.Process(target=make, args=(tmp_path,)) for _ in range(3)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    assert [rank.exitcode for rank in ranks] == [0, 0, 0]
    folder = tmp_path / 'Multi-sources'
    assert read_side_file(folder)['complete']
    assert not list(folder.rglob('*.part'))

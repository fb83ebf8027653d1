"""I, the files of instances, and the sensitivity to sound."""

import json

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from PIL import Image

from mmavs.evaluation.metrics.instance_writer import (
    bounding_box,
    run_lengths,
)
from mmavs.registry import METRICS
from mmavs.structures import AVSDataSample, FramePixelData

CLASSES = ('dog', 'cat', 'guitar')


def frame_instances(number):
    masks = torch.zeros(number, 6, 8, dtype=torch.bool)
    for i in range(number):
        masks[i, 1:3, 2 * i : 2 * i + 2] = True
    return InstanceData(
        masks=masks,
        labels=torch.arange(number),
        scores=torch.full((number,), 0.75),
        sounding_probs=torch.tensor([0.9, 0.1, 0.8])[:number],
    )


def clip(index, counts, sounding=None):
    """A clip with so many instances in each frame, as a metric gets it."""
    frames = len(counts)
    predicted = torch.zeros(frames, 1, 6, 8, dtype=torch.long)
    if sounding is not None:
        for t, pixels in enumerate(sounding):
            predicted[t].view(-1)[:pixels] = 1
    sample = AVSDataSample(
        metainfo=dict(
            clip_id=f'clip{index}',
            sample_idx=index,
            num_frames=frames,
            category='dog',
            categories=CLASSES,
        )
    )
    sample.pred_sem_seg = FramePixelData(data=predicted)
    sample.seg_logits = FramePixelData(data=predicted.float() * 8 - 4)
    sample.gt_sem_seg = FramePixelData(data=predicted.clone())
    sample.pred_instances = [frame_instances(n) for n in counts]
    return sample.to_dict()


def evaluate(metric, clips):
    metric.dataset_meta = dict(classes=('background', 'sounding'))
    metric.process(None, clips)
    return metric.evaluate(len(clips))


def test_instances_found_per_frame_summed_over_the_set():
    clips = [clip(0, [2, 3], [5, 0]), clip(1, [0, 1], [1, 1])]
    scores = evaluate(METRICS.build(dict(type='AVSMetric')), clips)
    assert scores['I'] == 6
    assert scores['mIoU'] == pytest.approx(100)


def test_no_count_without_instances():
    clips = [clip(0, [2], [5])]
    del clips[0]['pred_instances']
    scores = evaluate(METRICS.build(dict(type='AVSMetric')), clips)
    assert 'I' not in scores


def test_run_lengths_by_hand():
    mask = np.array([[0, 1, 1], [0, 1, 0]], bool)
    # down the columns: 0 0, 1 1, 1 0
    assert run_lengths(mask) == dict(size=[2, 3], counts=[2, 3, 1])
    assert run_lengths(~mask)['counts'] == [0, 2, 3, 1]
    assert run_lengths(np.ones((2, 2), bool))['counts'] == [0, 4]
    assert run_lengths(np.zeros((2, 2), bool))['counts'] == [4]
    assert bounding_box(mask) == [1, 0, 2, 2]
    assert bounding_box(mask & False) == [0, 0, 0, 0]


def test_files(tmp_path):
    writer = METRICS.build(dict(type='InstanceWriter', output_dir=tmp_path))
    # out of order, as ranks may give them
    clips = [clip(1, [3]), clip(0, [0, 2])]
    assert evaluate(writer, clips) == {}
    with Image.open(tmp_path / 'instances/dog/clip1/clip1_1.png') as image:
        assert image.mode == 'P'
        values = np.array(image)
    # what sounds: the dog (0.9) and the guitar (0.8), not the cat (0.1)
    assert values[1].tolist() == [1, 1, 0, 0, 3, 3, 0, 0]
    coco = json.loads((tmp_path / 'instances.json').read_text())
    assert [c['name'] for c in coco['categories']] == list(CLASSES)
    assert [(i['id'], i['clip_id'], i['frame']) for i in coco['images']] == [
        (1, 'clip0', 0),
        (2, 'clip0', 1),
        (3, 'clip1', 0),
    ]
    names = {i['file_name'] for i in coco['images']}
    assert all((tmp_path / name).is_file() for name in names)
    # all potential objects, silent ones too
    rows = coco['annotations']
    assert [row['image_id'] for row in rows] == [2, 2, 3, 3, 3]
    assert [row['id'] for row in rows] == [1, 2, 3, 4, 5]
    cat = rows[3]
    assert cat['category_id'] == 2 and cat['bbox'] == [2, 1, 2, 2]
    assert cat['area'] == 4 and cat['score'] == 0.75
    assert cat['sounding_prob'] == pytest.approx(0.1)


def test_pycocotools_reads_the_masks(tmp_path):
    coco_mask = pytest.importorskip('pycocotools.mask')
    mask = np.random.default_rng(0).random((13, 17)) > 0.6
    encoded = coco_mask.frPyObjects(run_lengths(mask), 13, 17)
    assert (coco_mask.decode(encoded).astype(bool) == mask).all()


def test_models_without_instances_leave_nothing(tmp_path):
    writer = METRICS.build(dict(type='InstanceWriter', output_dir=tmp_path))
    sample = clip(0, [1])
    del sample['pred_instances']
    assert evaluate(writer, [sample]) == {}
    assert not list(tmp_path.iterdir())


def test_clip_ids_stay_below_the_folder(tmp_path):
    writer = METRICS.build(dict(type='InstanceWriter', output_dir=tmp_path))
    sample = dict(clip(0, [1]), clip_id='../clip0')
    with pytest.raises(ValueError, match='leads out of'):
        writer.process(None, [sample])


def test_sensitivity_by_hand():
    metric = METRICS.build(dict(type='AudioSensitivityMetric'))
    # 48 pixels a frame; 12, 0, 0 and 48 of them predicted to sound
    clips = [clip(0, [0, 0], [12, 0]), clip(1, [0, 0], [0, 48])]
    scores = evaluate(metric, clips)
    assert scores == dict(
        FPR=pytest.approx(100 * (0.25 + 0 + 0 + 1) / 4),
        silent_mIoU=pytest.approx(100 * (0.75 + 1 + 1 + 0) / 4),
        RA=pytest.approx(50.0),
    )
    assert [row['FPR'] for row in metric.per_clip] == [12.5, 50.0]


def test_one_entry_a_clip():
    """mmengine cuts what is collected to the number of clips."""
    metric = METRICS.build(dict(type='AudioSensitivityMetric'))
    metric.process(None, [clip(0, [0] * 5), clip(1, [0] * 10)])
    assert len(metric.results) == 2

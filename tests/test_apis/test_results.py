"""Model output to masks and regions, by hand-made samples."""

from types import SimpleNamespace

import numpy as np
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as coco

from mmavs.apis.mask_frames import from_png, to_png
from mmavs.apis.results import ResultReader
from mmavs.structures import AVSDataSample, FramePixelData


def sample_of(labels, logits=None):
    sample = AVSDataSample(metainfo=dict(num_frames=len(labels)))
    data = torch.tensor(labels)[:, None]
    sample.pred_sem_seg = FramePixelData(data=data)
    if logits is not None:
        sample.seg_logits = FramePixelData(data=torch.tensor(logits))
    return sample


def rle_of(mask):
    """Column by column, how many of 0 and 1 follow each other."""
    return coco.frPyObjects(
        dict(size=list(mask.shape), counts=list(runs(mask.T.ravel()))),
        *mask.shape,
    )


def runs(values):
    current, length = 0, 0
    for value in values:
        if value != current:
            yield length
            current, length = value, 0
        length += 1
    yield length


def model_of(out_channels, meta=None, **head):
    return SimpleNamespace(
        dataset_meta=meta or {},
        out_channels=out_channels,
        threshold=0.5,
        decode_head=SimpleNamespace(**head),
    )


def test_png_keeps_every_label():
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(from_png(to_png(labels)), labels)
    large = from_png(to_png(labels, (32, 48)))
    assert np.array_equal(large, labels.repeat(2, 0).repeat(3, 1))


def test_binary():
    reader = ResultReader(model_of(1))
    logits = [[[[-9.0, -9], [-9, -9]]], [[[-9, 2], [-9, -9]]]]
    sample = sample_of([[[0, 0], [0, 0]], [[0, 1], [0, 0]]], logits)
    empty = reader.read(sample, 0, 7, (2, 2))
    assert empty.index == 7 and empty.objects == []
    assert empty.instances is None
    frame = reader.read(sample, 1, 8, (4, 4))
    assert np.array_equal(from_png(frame.segmentation), [[0, 255], [0, 0]])
    (found,) = frame.objects
    rle = found.pop('rle')
    # sigmoid(2); the box at the size of the pictures
    assert found == dict(
        value=1,
        name='sounding',
        area=0.25,
        sounding=True,
        score=0.8808,
        box=[2, 0, 2, 2],
    )
    assert coco.decode(rle).tolist() == [[0, 0, 1, 1]] * 2 + [[0] * 4] * 2
    assert rle['counts'] == rle_of(coco.decode(rle))['counts'].decode()
    assert np.array_equal(reader.labels(frame), [[0, 1], [0, 0]])
    (region,) = reader.regions(frame)
    assert region == (1, 'sounding', True)


def test_semantic_lists_the_largest_first():
    meta = dict(classes=['bg', 'cat', 'dog'], palette=[[0] * 3] * 3)
    reader = ResultReader(model_of(3, meta))
    logits = np.zeros((1, 3, 1, 4), np.float32)
    logits[0, 2, 0, :2] = np.log(8)  # 0.8 against 0.1 and 0.1
    logits[0, 0, 0, 2] = logits[0, 1, 0, 3] = np.log(2)  # 0.5, 0.25, 0.25
    sample = sample_of([[[2, 2, 0, 1]]], logits)
    frame = reader.read(sample, 0, 0, (1, 4))
    assert [
        (o['name'], o['area'], o['score'], o['box']) for o in frame.objects
    ] == [
        ('dog', 0.5, 0.8, [0, 0, 2, 1]),
        ('cat', 0.25, 0.5, [3, 0, 1, 1]),
    ]
    assert np.array_equal(from_png(frame.segmentation), [[2, 2, 0, 1]])
    assert [r.name for r in reader.regions(frame)] == ['dog', 'cat']
    assert frame.evidence.values == (1, 2)


def test_instances_silent_below_sounding():
    reader = ResultReader(
        model_of(1, threshold=0.5, categories=('cat', 'dog', 'ox'))
    )
    assert len(reader.palette) == 4 and reader.palette[0] == [0, 0, 0]
    sample = sample_of([[[1, 1, 0, 0]]])
    sample.pred_instances = [
        InstanceData(
            masks=torch.tensor(
                [[[1, 1, 0, 0]], [[0, 1, 1, 1]]], dtype=torch.bool
            ),
            labels=torch.tensor([2, 0]),
            scores=torch.tensor([0.9, 0.8]),
            sounding_probs=torch.tensor([0.75, 0.25]),
        )
    ]
    frame = reader.read(sample, 0, 0, (1, 4))
    assert np.array_equal(from_png(frame.segmentation), [[255, 255, 0, 0]])
    # the ox sounds and lies over the cat
    assert np.array_equal(from_png(frame.instances), [[3, 3, 1, 1]])
    masks = [coco.decode(o.pop('rle')).tolist() for o in frame.objects]
    assert masks == [[[1, 1, 0, 0]], [[0, 1, 1, 1]]]
    assert frame.objects == [
        dict(
            value=3,
            name='ox',
            area=0.5,
            sounding=True,
            sounding_prob=0.75,
            score=0.9,
            box=[0, 0, 2, 1],
        ),
        dict(
            value=1,
            name='cat',
            area=0.75,
            sounding=False,
            sounding_prob=0.25,
            score=0.8,
            box=[1, 0, 3, 1],
        ),
    ]
    assert np.array_equal(reader.labels(frame), [[3, 3, 1, 1]])
    assert [(r.name, r.sounding) for r in reader.regions(frame)] == [
        ('ox', True),
        ('cat', False),
    ]
    # occupancy, from -1 to 1, of the map that is painted
    assert frame.evidence.values == (1, 3)
    assert frame.evidence.maps.tolist() == [[[-1, -1, 1, 1]], [[1, 1, -1, -1]]]


def test_frame_without_instance():
    reader = ResultReader(model_of(1, categories=('cat', 'dog')))
    sample = sample_of([[[0, 0]]])
    sample.pred_instances = [
        InstanceData(
            masks=torch.zeros(0, 1, 2, dtype=torch.bool),
            labels=torch.zeros(0, dtype=torch.long),
            scores=torch.zeros(0),
            sounding_probs=torch.zeros(0),
        )
    ]
    frame = reader.read(sample, 0, 0, (1, 2))
    assert frame.objects == []
    assert not from_png(frame.instances).any()

"""Model output to masks and regions, by hand-made samples."""

from types import SimpleNamespace

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmavs.apis.results import ResultReader, from_png, to_png
from mmavs.structures import AVSDataSample, FramePixelData


def sample_of(labels):
    sample = AVSDataSample(metainfo=dict(num_frames=len(labels)))
    data = torch.tensor(labels)[:, None]
    sample.pred_sem_seg = FramePixelData(data=data)
    return sample


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
    sample = sample_of([[[0, 0], [0, 0]], [[0, 1], [0, 0]]])
    empty = reader.read(sample, 0, 7)
    assert empty.index == 7 and empty.objects == []
    assert empty.instances is None
    frame = reader.read(sample, 1, 8)
    assert np.array_equal(from_png(frame.segmentation), [[0, 255], [0, 0]])
    assert frame.objects == [
        dict(value=1, name='sounding', area=0.25, sounding=True)
    ]
    labels, regions = reader.regions(frame)
    assert np.array_equal(labels, [[0, 1], [0, 0]])
    assert [(r.value, r.name, r.sounding) for r in regions] == [(1, '', True)]


def test_semantic_lists_the_largest_first():
    meta = dict(classes=['bg', 'cat', 'dog'], palette=[[0] * 3] * 3)
    reader = ResultReader(model_of(3, meta))
    frame = reader.read(sample_of([[[2, 2, 0, 1]]]), 0, 0)
    assert [(o['name'], o['area']) for o in frame.objects] == [
        ('dog', 0.5),
        ('cat', 0.25),
    ]
    assert np.array_equal(from_png(frame.segmentation), [[2, 2, 0, 1]])
    _, regions = reader.regions(frame)
    assert [r.name for r in regions] == ['dog', 'cat']


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
    frame = reader.read(sample, 0, 0)
    assert np.array_equal(from_png(frame.segmentation), [[255, 255, 0, 0]])
    # the ox sounds and lies over the cat
    assert np.array_equal(from_png(frame.instances), [[3, 3, 1, 1]])
    assert frame.objects == [
        dict(
            value=3,
            name='ox',
            area=0.5,
            sounding=True,
            sounding_prob=0.75,
            score=0.9,
        ),
        dict(
            value=1,
            name='cat',
            area=0.75,
            sounding=False,
            sounding_prob=0.25,
            score=0.8,
        ),
    ]
    labels, regions = reader.regions(frame)
    assert np.array_equal(labels, [[3, 3, 1, 1]])
    assert [(r.name, r.sounding) for r in regions] == [
        ('ox', True),
        ('cat', False),
    ]


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
    frame = reader.read(sample, 0, 0)
    assert frame.objects == []
    assert not from_png(frame.instances).any()

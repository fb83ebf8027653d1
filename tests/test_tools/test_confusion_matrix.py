"""The confusion matrix of a dump and of masks."""

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults, Evaluator
from PIL import Image

from mmavs.evaluation.metrics import DumpClips
from mmavs.structures import AVSDataSample, FramePixelData

TOOL = (
    Path(__file__).parents[2]
    / 'tools'
    / 'analysis_tools'
    / 'confusion_matrix.py'
)


def run(monkeypatch, *args):
    spec = importlib.util.spec_from_file_location('confusion_matrix', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr('sys.argv', [str(TOOL), *map(str, args)])
    tool.main()


def read(path):
    with open(path) as file:
        return list(csv.reader(file))


def test_71_classes_from_a_dump(tmp_path, monkeypatch):
    target = torch.zeros(2, 1, 4, 5, dtype=torch.long)
    target[:, :, 1:3] = 17  # 20 pixels of dog
    labels = target.clone()
    labels[0, :, 1] = 12  # 5 of them taken for cat
    labels[1, :, 0] = 70  # 5 of background for woman
    target[:, :, 3, 0] = 255
    sample = AVSDataSample(metainfo=dict(clip_id='x', num_frames=2))
    sample.gt_sem_seg = FramePixelData(data=target)
    sample.pred_sem_seg = FramePixelData(data=labels)
    path = tmp_path / 'x.pkl'
    Evaluator([DumpResults(str(path))]).offline_evaluate([sample, sample])
    run(monkeypatch, path, tmp_path / 'out', '--without-background')
    rows = read(tmp_path / 'out' / 'confusion_matrix.csv')
    assert len(rows) == 72 and rows[18][0] == 'dog'
    counts = np.array([[int(v) for v in row[1:]] for row in rows[1:]])
    assert counts.sum() == 2 * (40 - 2)
    assert counts[17, 12] == 10 and counts[17, 17] == 30
    errors = read(tmp_path / 'out' / 'most_confused.csv')[1:]
    assert ['dog', 'cat', '10', '25.00'] in errors and len(errors) == 2
    image = Image.open(tmp_path / 'out' / 'confusion_matrix.png')
    assert min(image.size) > 1000


def test_a_dump_of_two_classes_keeps_their_names(tmp_path, monkeypatch):
    target = torch.zeros(1, 1, 4, 5, dtype=torch.long)
    target[..., 1:3, :] = 1
    labels = target.clone()
    labels[..., 1, :] = 0
    sample = AVSDataSample(metainfo=dict(clip_id='x', num_frames=1))
    sample.gt_sem_seg = FramePixelData(data=target)
    sample.pred_sem_seg = FramePixelData(data=labels)
    path = tmp_path / 'x.pkl'
    evaluator = Evaluator([DumpClips(str(path))])
    evaluator.dataset_meta = dict(classes=('background', 'sounding'))
    evaluator.offline_evaluate([sample])
    run(monkeypatch, path, tmp_path / 'out')
    rows = read(tmp_path / 'out' / 'confusion_matrix.csv')
    assert rows[0][1:] == ['background', 'sounding']
    assert rows[1:] == [['background', '10', '0'], ['sounding', '5', '5']]


def test_a_dump_without_labels_is_refused(tmp_path, monkeypatch):
    sample = AVSDataSample(metainfo=dict(clip_id='x', num_frames=1))
    labels = torch.zeros(1, 1, 2, 2, dtype=torch.long)
    sample.gt_sem_seg = FramePixelData(data=labels)
    path = tmp_path / 'x.pkl'
    Evaluator([DumpResults(str(path))]).offline_evaluate([sample])
    with pytest.raises(ValueError, match='clip x: it holds neither'):
        run(monkeypatch, path, tmp_path / 'out')


@pytest.mark.parametrize('field', ['gt_sem_seg', 'pred_sem_seg'])
def test_a_label_of_no_class_is_not_dropped(field, tmp_path, monkeypatch):
    sample = AVSDataSample(metainfo=dict(clip_id='x', num_frames=1))
    for name in ('gt_sem_seg', 'pred_sem_seg'):
        labels = torch.zeros(1, 1, 2, 2, dtype=torch.long)
        labels[..., 0] = 71 if name == field else 1
        setattr(sample, name, FramePixelData(data=labels))
    path = tmp_path / 'x.pkl'
    Evaluator([DumpResults(str(path))]).offline_evaluate([sample])
    with pytest.raises(ValueError, match='clip x: 2 pixels, .* 71 classes'):
        run(monkeypatch, path, tmp_path / 'out')

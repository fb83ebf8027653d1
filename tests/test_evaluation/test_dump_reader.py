"""Dumps are read whole, and never run."""

import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults, Evaluator

from mmavs.evaluation.dump_reader import read_dump
from mmavs.structures import AVSDataSample, FramePixelData


def test_reads_what_mmengine_dumps(tmp_path):
    sample = AVSDataSample(
        metainfo=dict(
            clip_id='x',
            num_frames=2,
            scale_factor=np.float32(0.5),
            anything=np.arange(3),
            img_path=['a', 'b'],
            shape=torch.Size([1, 2]),
        )
    )
    logits = torch.randn(2, 1, 3, 4)
    sample.seg_logits = FramePixelData(data=logits)
    sample.gt_sem_seg = FramePixelData(data=(logits > 0).long())
    path = str(tmp_path / 'x.pkl')
    Evaluator([DumpResults(path)]).offline_evaluate([sample])
    (clip,) = read_dump(path)
    assert torch.equal(clip['seg_logits']['data'], logits)
    assert clip['gt_sem_seg']['data'].dtype == torch.int64
    assert clip['clip_id'] == 'x' and clip['scale_factor'] == 0.5
    assert clip['anything'].tolist() == [0, 1, 2]


class _Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_strangers_dump_runs_nothing(tmp_path):
    path, trap = tmp_path / 'x.pkl', str(tmp_path / 'trap')
    path.write_bytes(pickle.dumps([dict(gt_sem_seg=_Evil(trap))]))
    with pytest.raises(ValueError, match=r'refused.*mkdir'):
        read_dump(path)
    # a tensor's bytes are a pickle in the pickle
    inner = pickle.dumps(_Evil(trap))
    outer = b'ctorch.storage\n_load_from_bytes\n(B' + (
        len(inner).to_bytes(4, 'little') + inner + b'tR.'
    )
    path.write_bytes(b'\x80\x03' + outer)
    with pytest.raises(ValueError, match='not a dump that can be read safely'):
        read_dump(path)
    assert not os.path.exists(trap)


def test_damaged_or_foreign_files_are_named(tmp_path):
    path = tmp_path / 'x.pkl'
    with pytest.raises(FileNotFoundError, match='--dump'):
        read_dump(path)
    path.write_bytes(pickle.dumps([dict(gt_sem_seg=1)])[:-5])
    with pytest.raises(ValueError, match='x.pkl is not a dump'):
        read_dump(path)
    path.write_bytes(pickle.dumps([dict(pred=1)]))
    with pytest.raises(ValueError, match='clip number 0: it holds neither'):
        read_dump(path)


def clip(**changes):
    """A good clip of two frames, with changes."""
    labels = torch.ones(2, 1, 3, 4, dtype=torch.uint8)
    good = dict(
        clip_id='c',
        gt_sem_seg=dict(data=labels),
        pred_sem_seg=dict(data=labels),
    )
    return {**good, **changes}


@pytest.mark.parametrize(
    'content, message',
    [
        ([], 'holds no clips, nor ground truth'),
        (dict(a=1), 'does not hold a list of clips'),
        ([1], 'does not hold a list of clips'),
        (
            [dict(pred_sem_seg=clip()['pred_sem_seg'])],
            '1 clips, none with ground truth',
        ),
        ([clip(gt_sem_seg=3)], 'clip c: its gt_sem_seg is not a tensor'),
        (
            [clip(gt_sem_seg=dict(data=torch.ones(3, 4)))],
            r'gt_sem_seg is not a tensor \(T, C, H, W\)',
        ),
        (
            [clip(), clip(gt_sem_seg=dict(data=torch.ones(2, 1, 6, 8).int()))],
            r'clip c: its gt_sem_seg is \(2, 1, 6, 8\), its prediction',
        ),
        ([clip(sample_idx='x')], "clip c: its sample_idx is 'x'"),
        (
            [clip(gt_sem_seg=dict(data=torch.ones(2, 1, 3, 4)))],
            'clip c: its gt_sem_seg is torch.float32',
        ),
        (
            [clip(seg_logits=clip()['gt_sem_seg'])],
            'clip c: its seg_logits is torch.uint8',
        ),
        ([clip(classes=7)], 'clip c: its classes are 7'),
    ],
)
def test_odd_dumps_are_named_before_they_are_scored(
    tmp_path, content, message
):
    path = tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=f'x.pkl.*{message}.*Fix: make it'):
        read_dump(path)


def test_arrays_and_clips_without_truth_among_others_are_read(tmp_path):
    path = tmp_path / 'x.pkl'
    array = dict(data=np.zeros((2, 1, 3, 4), np.float32))
    unlabelled = clip()
    del unlabelled['gt_sem_seg']
    clips = [clip(seg_logits=array), unlabelled]
    path.write_bytes(pickle.dumps(clips))
    first, second = read_dump(path)
    assert torch.equal(first['seg_logits']['data'], torch.zeros(2, 1, 3, 4))
    assert 'gt_sem_seg' not in second

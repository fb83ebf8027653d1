"""A test of a set larger than memory: what has been scored is let go."""

import gc
import io
import weakref
from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.runner import TestLoop as Loop
from torch.utils.data import DataLoader, Dataset

from mmavs.evaluation import AVSMetric, AVSSMetric
from mmavs.structures import AVSDataSample, FramePixelData

CLASSES = ('background', *'abcdefgh')
NUM_CLIPS = 6


class Clips(Dataset):
    """Clips that are made when they are asked for, and counted."""

    metainfo = dict(classes=CLASSES)

    def __init__(self, side, num_channels):
        self.size, self.num_channels = (side, side), num_channels
        self.alive = weakref.WeakSet()

    def __len__(self):
        return NUM_CLIPS

    def __getitem__(self, index):
        clip = AVSDataSample(
            metainfo=dict(clip_id=str(index), sample_idx=index, num_frames=5)
        )
        labels = torch.zeros(5, 1, *self.size, dtype=torch.long)
        clip.gt_sem_seg = FramePixelData(data=labels)
        self.alive.add(clip)
        return clip


class Model:
    """Adds masks and raw scores to clips."""

    def __init__(self, num_channels):
        self.num_channels = num_channels

    def test_step(self, clips):
        for clip in clips:
            truth = clip.gt_sem_seg.data
            clip.pred_sem_seg = FramePixelData(data=truth.clone())
            logits = truth.new_ones(5, self.num_channels, *truth.shape[-2:])
            clip.seg_logits = FramePixelData(data=logits.float())
        return clips

    def eval(self):
        pass


def run(metric, side, num_channels):
    """Test; how many clips live at each step, and bytes an entry holds."""
    clips = Clips(side, num_channels)
    alive, sizes = [], []

    def look(hook, **kwargs):
        if hook == 'after_test_iter':
            gc.collect()
            alive.append(len(clips.alive))
            entry = io.BytesIO()
            torch.save(metric.results[-1], entry)
            sizes.append(entry.getbuffer().nbytes)

    runner = SimpleNamespace(
        model=Model(num_channels), call_hook=look, visualizer=SimpleNamespace()
    )
    loader = DataLoader(clips, batch_size=1, collate_fn=list)
    Loop(runner, loader, Evaluator(metric)).run()
    return alive, sizes


@pytest.mark.parametrize(
    'kind, num_channels', [(AVSMetric, 1), (AVSSMetric, len(CLASSES))]
)
def test_memory_stays_flat(kind, num_channels):
    """As much after six clips as after one, whatever size pictures have."""
    alive, small = run(kind(), 16, num_channels)
    assert len(alive) == NUM_CLIPS
    assert max(alive) == alive[0] <= 2  # this clip, and its batch
    _, large = run(kind(), 64, num_channels)
    assert large == small
    assert max(small) - min(small) < 16
    assert max(small) < 16_000

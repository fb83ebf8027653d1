"""A memory that goes from clip to clip of a video, AuralSAM2's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from noise_video import noise_video

from mmavs.apis import AVSInferencer, inference_model, init_model, segmenter
from mmavs.apis.streaming import StreamSegmenter
from mmavs.media.sources import find_media

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
T = 3


@pytest.fixture(scope='module')
def model():
    """The small twin, for frames of 64 x 64; seconds of sound meet frames.

    Its fuser, which sees one clip at a time, takes each frame for a clip.
    """
    torch.manual_seed(0)
    config = Config.fromfile(CONFIGS / 'synthetic/auralsam2_tiny_ms3.py')
    steps = config.test_dataloader.dataset.pipeline
    steps[1].update(cache_dir=None, hop=1.0)
    for step in steps[-2].transforms:
        if step['type'] == 'Resize':
            step['scale'] = (64, 64)
    config.model.neck[1].scrambled = False
    model = init_model(config, device='cpu')
    fuser = model.neck[1]
    fuse = fuser.fuse
    fuser.fuse = lambda maps, audio: fuse(maps, audio.flatten(0, 1)[:, None])
    return model


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """2 T + 1 pictures, and the file of their sound."""
    source = np.random.default_rng(0)
    frames = list(source.integers(0, 255, (2 * T + 1, 40, 56, 3), np.uint8))
    path = tmp_path_factory.mktemp('clip') / 'sound.mp4'
    return frames, noise_video(path, len(frames))


def streamed(model, clip, monkeypatch, **options):
    """Raw logits of all frames, in order."""
    logits, run = [], segmenter.run_clips

    def spy(model, clips):
        samples = run(model, clips)
        logits.extend(sample.seg_logits.data for sample in samples)
        return samples

    monkeypatch.setattr(segmenter, 'run_clips', spy)
    clips = segmenter.TorchClips(model, 1, 1, **options)
    stream = StreamSegmenter(clips, 1, T, 1, 1280)
    assert len(list(stream.masks(find_media(*clip)))) == 2 * T + 1
    # the last clip reaches back over all frames but one
    return torch.cat([*logits[:2], logits[2][-1:]])


def test_a_stream_is_one_video(model, clip, monkeypatch):
    """With the memory, clips of T give what one clip of 2 T + 1 gives."""
    whole = inference_model(model, *clip).seg_logits.data
    alone = streamed(model, clip, monkeypatch)
    for _ in range(2):  # a second video starts anew
        found = streamed(model, clip, monkeypatch, carry_memory=True)
        assert torch.allclose(found, whole, atol=1e-6)
    assert torch.allclose(alone[:T], whole[:T], atol=1e-5)
    apart = (alone[T:] - whole[T:]).abs().amax((1, 2, 3))
    assert (apart > 1e-5).all()


def test_each_sequence_has_a_memory_of_its_own(model, clip, monkeypatch):
    videos, begin = [], model.decode_head.begin_video

    def spy():
        videos.append(begin())
        return videos[-1]

    monkeypatch.setattr(model.decode_head, 'begin_video', spy)
    inferencer = AVSInferencer(
        model, fps=2, clip_frames=T, max_size=16, carry_memory=True
    )
    summary = inferencer(*clip, progress=False)
    assert len(summary['masks']) == 2 * (2 * T + 1)
    assert summary['carry_memory'] is True
    assert [sorted(v.frames) for v in videos] == [list(range(2 * T + 1))] * 2
    assert [video.start for video in videos] == [T + 1] * 2


def test_by_config(model):
    kept = dict(model.test_cfg)
    assert AVSInferencer(model).carry_memory is False
    model.test_cfg = dict(kept, carry_memory=True)
    assert AVSInferencer(model).carry_memory is True
    inferencer = AVSInferencer(model, carry_memory=False)
    assert inferencer.carry_memory is False
    model.test_cfg = kept


def test_what_cannot_be_carried(model, binary_model):
    with pytest.raises(ValueError, match='AVSFPNHead keeps no memory.*Fix'):
        AVSInferencer(binary_model, carry_memory=True)
    with pytest.raises(ValueError, match='batch_size=2. Fix: batch_size=1'):
        AVSInferencer(model, batch_size=2, carry_memory=True)

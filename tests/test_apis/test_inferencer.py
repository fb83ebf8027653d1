"""Anyone's video, end to end."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from noise_video import noise_video
from scipy.io import wavfile

from mmavs.apis import AVSInferencer, inference_model, run, segmenter
from mmavs.apis.mask_frames import from_png
from mmavs.datasets.synthetic import read_side_file
from mmavs.media.sound_sources import SoundFile
from mmavs.media.sources import find_media
from mmavs.media.video import VideoPictures
from mmavs.structures import FramePixelData
from mmavs.testing import tiny_avsbench
from mmavs.testing.media import write_test_video


@pytest.fixture(scope='module')
def ms3(tmp_path_factory):
    """One synthetic test clip, as files and as a video."""
    root = tiny_avsbench(
        tmp_path_factory.mktemp('video'), 'ms3', {'test': 1}, video=True
    )
    (name,) = read_side_file(root)['clips']
    data = root / 'ms3_data'
    frames = data / 'visual_frames' / name
    return dict(
        video=data / 'raw_videos' / f'{name}.mp4',
        frames=[frames / f'{name}.mp4_{i}.png' for i in range(1, 6)],
        audio=data / 'audio_wav' / 'test' / f'{name}.wav',
    )


def read_masks(folder, pattern='??????.png'):
    paths = sorted(Path(folder).glob(pattern))
    return np.stack([cv2.imread(str(p), cv2.IMREAD_GRAYSCALE) for p in paths])


def test_clip_of_files_gives_the_masks_of_a_test(binary_model, ms3, tmp_path):
    expected = inference_model(binary_model, ms3['frames'], ms3['audio'])
    expected = expected.pred_sem_seg.data[:, 0].numpy() * 255
    inferencer = AVSInferencer(binary_model)
    inferencer(
        ms3['frames'], ms3['audio'], out_dir=tmp_path / 'm', progress=False
    )
    found = read_masks(tmp_path / 'm')
    assert 0.02 < (expected > 0).mean() < 0.98
    assert np.array_equal(found, expected)


def test_norms_are_folded_in_a_model_built_here_alone(config, binary_model):
    """One that is given may be trained later, or saved."""

    def norms(model):
        return [n for n in model.state_dict() if n.endswith('running_var')]

    assert norms(AVSInferencer(binary_model).model)
    assert not norms(AVSInferencer(config, 'random', 'cpu').model)


def test_video_pairs_pictures_and_sound_as_the_benchmark(
    binary_model, ms3, monkeypatch
):
    """Clips made from the video are those of its frames and wav file."""
    clips = []
    run = segmenter.run_clips

    def spy(model, batch):
        clips.extend(batch)
        return run(model, batch)

    monkeypatch.setattr(segmenter, 'run_clips', spy)
    inferencer = AVSInferencer(binary_model)
    inferencer(ms3['video'], progress=False)
    inferencer(ms3['frames'], ms3['audio'], progress=False)
    video, files = (clip['inputs'] for clip in clips)
    # up to the codecs' loss
    difference = (video['imgs'].float() - files['imgs'].float()).abs()
    assert difference.mean() < 4
    shifted = (video['imgs'][1:].float() - files['imgs'][:-1].float()).abs()
    assert shifted.mean() > 2 * difference.mean()
    assert video['audio'].shape == files['audio'].shape == (5, 1, 96, 64)
    loud = files['audio'] > -2
    assert loud.float().mean() > 0.05
    assert (video['audio'] - files['audio'])[loud].abs().mean() < 0.25


def test_overlay_masks_and_summary(binary_model, tmp_path):
    video = noise_video(tmp_path / 'in.mp4', seconds=7.5)
    out = tmp_path / 'out'
    summary = AVSInferencer(binary_model, fps=2)(
        video,
        out_video=out / 'o.mp4',
        out_dir=out / 'masks',
        out_json=out / 's.json',
        progress=False,
    )
    assert summary == json.loads((out / 's.json').read_text())
    rows = summary['masks']
    assert len(rows) == 15
    assert [row['start'] for row in rows] == [i / 2 for i in range(15)]
    assert rows[-1]['end'] == 7.5
    assert summary['width'] == 56 and summary['height'] == 40
    assert summary['classes'] == ['background', 'sounding']
    masks = read_masks(out / 'masks')
    assert masks.shape == (15, 40, 56)
    for row, mask in zip(rows, masks):
        assert row['files'] == [f'{rows.index(row):06d}.png']
        area = sum(o['area'] for o in row['objects'])
        assert area == pytest.approx((mask > 0).mean(), abs=1e-5)
    shown = VideoPictures(out / 'o.mp4')
    assert shown.size == (40, 56)
    assert len(list(shown)) == 45
    assert shown.duration == pytest.approx(7.5, abs=0.01)
    sound = SoundFile(out / 'o.mp4').open().read(0, 7)
    assert torch.equal(sound, SoundFile(video).open().read(0, 7))


def test_overlay_shows_each_mask_in_its_time(
    deaf_model, tmp_path, monkeypatch
):
    """Mask m is white exactly from m / fps to (m + 1) / fps."""
    video = write_test_video(
        tmp_path / 'in.mp4', np.zeros((24, 32, 32, 3), np.uint8), fps=8
    )

    def even_masks(model, clips):
        samples = [clip['data_samples'] for clip in clips]
        for sample in samples:
            data = [[i % 2 == 0] for i in sample.frame_ids]
            data = torch.tensor(data)[..., None, None].expand(-1, 1, 32, 32)
            sample.pred_sem_seg = FramePixelData(data=data.long())
            logits = 8.0 * data.float() - 4
            sample.seg_logits = FramePixelData(data=logits)
        return samples

    monkeypatch.setattr(segmenter, 'run_clips', even_masks)
    monkeypatch.setattr(run, 'OVERLAY_FPS', 2)
    inferencer = AVSInferencer(deaf_model, fps=2, batch_size=2)
    inferencer(
        video, out_video=tmp_path / 'o.mp4', opacity=1.0, progress=False
    )
    red = [
        p.read()[8:24, 8:24, 2].mean()
        for p in VideoPictures(tmp_path / 'o.mp4')
    ]
    assert [level > 100 for level in red] == [
        i // 4 % 2 == 0 for i in range(24)
    ]
    with av.open(str(tmp_path / 'o.mp4')) as container:
        assert not container.streams.audio


@pytest.mark.parametrize('rotation', [None, 1])
def test_upright_and_odd_sizes(binary_model, tmp_path, rotation):
    video = noise_video(
        tmp_path / 'in.mp4', 2, size=(38, 54), rotation=rotation
    )
    summary = AVSInferencer(binary_model)(
        video,
        out_video=tmp_path / 'o.mp4',
        out_dir=tmp_path / 'm',
        progress=False,
    )
    size = (54, 38) if rotation else (38, 54)
    assert (summary['height'], summary['width']) == size
    assert read_masks(tmp_path / 'm').shape == (2, *size)
    assert VideoPictures(tmp_path / 'o.mp4').size == size


def test_large_pictures_are_predicted_smaller(binary_model, tmp_path):
    video = noise_video(tmp_path / 'in.mp4', 2)
    inferencer = AVSInferencer(binary_model, max_size=28)
    frames = list(inferencer.segmenter.masks(find_media(video)))
    assert [from_png(f.segmentation).shape for f in frames] == [(20, 28)] * 2
    inferencer(video, out_dir=tmp_path / 'm', progress=False)
    assert read_masks(tmp_path / 'm').shape == (2, 40, 56)


def test_batches_change_nothing(binary_model, tmp_path):
    video = noise_video(tmp_path / 'in.mp4', 6)
    found = []
    for batch_size in (1, 2, 5):
        folder = tmp_path / str(batch_size)
        inferencer = AVSInferencer(binary_model, fps=3, batch_size=batch_size)
        inferencer(video, out_dir=folder, progress=False)
        found.append(read_masks(folder) > 0)
    assert len(found[0]) == 18
    for other in found[1:]:
        # convolutions of other batch sizes round otherwise
        assert (other != found[0]).mean() < 1e-3


def test_semantic_model(semantic_model, tmp_path):
    video = noise_video(tmp_path / 'in.mp4', 3)
    inferencer = AVSInferencer(semantic_model)
    assert inferencer.clip_frames == 10
    summary = inferencer(
        video,
        out_video=tmp_path / 'o.mp4',
        out_dir=tmp_path / 'm',
        progress=False,
    )
    masks = read_masks(tmp_path / 'm')
    classes = semantic_model.dataset_meta['classes']
    for row, mask in zip(summary['masks'], masks):
        present = {classes[v] for v in np.unique(mask) if v}
        assert {o['name'] for o in row['objects']} == present
    assert summary['masks'][0]['objects']


def test_sound_from_another_file(binary_model, tmp_path):
    video = write_test_video(
        tmp_path / 'in.mp4', np.zeros((12, 32, 32, 3), np.uint8), fps=6
    )
    wavfile.write(tmp_path / 'a.wav', 8000, np.zeros(16000, np.int16))
    inferencer = AVSInferencer(binary_model)
    with pytest.raises(ValueError, match='in.mp4 has no sound track'):
        inferencer(video, progress=False)
    summary = inferencer(
        video,
        tmp_path / 'a.wav',
        out_video=tmp_path / 'o.mp4',
        progress=False,
    )
    assert len(summary['masks']) == 2
    with av.open(str(tmp_path / 'o.mp4')) as container:
        assert len(container.streams.audio) == 1


def test_only_little_is_alive_at_a_time(deaf_model, tmp_path, monkeypatch):
    """Frames in memory do not grow with the video."""
    video = noise_video(tmp_path / 'in.mp4', 40, fps=2)
    alive, most = [], []
    prepare = segmenter.ClipPipeline.prepare

    class Counted(dict):
        def __init__(self, *args):
            super().__init__(*args)
            alive.append(1)
            most.append(len(alive))

        def __del__(self):
            alive.pop()

    monkeypatch.setattr(
        segmenter.ClipPipeline,
        'prepare',
        lambda *args: Counted(prepare(*args)),
    )
    AVSInferencer(deaf_model)(video, progress=False)
    assert len(most) == 40
    assert max(most) <= 12  # two clips of five, and the one in hand

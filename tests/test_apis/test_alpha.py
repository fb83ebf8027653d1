"""Videos for an editor: what sounds, with the rest transparent."""

import av
import numpy as np
import pytest
import torch
from noise_video import noise_video

from mmavs.apis import AVSInferencer, run, segmenter
from mmavs.compat.av_pictures import converted
from mmavs.media.sound_sources import SoundFile
from mmavs.media.video import VideoPictures
from mmavs.structures import FramePixelData


@pytest.fixture
def left_half(binary_model, monkeypatch):
    """A model to which the left half sounds in every second second."""

    def left(model, clips):
        samples = [clip['data_samples'] for clip in clips]
        for sample in samples:
            data = torch.zeros(len(sample.frame_ids), 1, 40, 56)
            for t, frame in enumerate(sample.frame_ids):
                data[t, :, :, :28] = frame % 2 == 0
            sample.pred_sem_seg = FramePixelData(data=data.long())
            sample.seg_logits = FramePixelData(data=8 * data - 4)
        return samples

    monkeypatch.setattr(segmenter, 'run_clips', left)
    monkeypatch.setattr(run, 'OVERLAY_FPS', 1)
    return AVSInferencer(binary_model)


def decoded(path, decoder=None):
    """RGBA pictures; FFmpeg's own VP9 decoder would drop their alpha."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert len(container.streams.audio) == 1
        context = stream.codec_context
        if decoder:
            context = av.CodecContext.create(decoder, 'r')
        pictures = []
        for packet in container.demux(stream):
            data = packet if packet.size else None
            pictures += context.decode(data)
        rgba = [converted(picture, format='rgba') for picture in pictures]
        return [picture.to_ndarray() for picture in rgba]


@pytest.mark.parametrize(
    'name, decoder, pixels',
    [
        ('a.mov', None, 'yuva444p'),
        ('a.webm', 'libvpx-vp9', 'yuva420p'),
    ],
)
def test_what_sounds_is_cut_out(left_half, tmp_path, name, decoder, pixels):
    video = noise_video(tmp_path / 'in.mp4', 2)
    summary = left_half(video, out_alpha=tmp_path / name, progress=False)
    assert summary['alpha'] == str(tmp_path / name)
    assert summary['overlay'] is None
    pictures = decoded(tmp_path / name, decoder)
    assert len(pictures) == 12
    for i, picture in enumerate(pictures):
        assert picture.shape == (40, 56, 4)
        alpha = picture[..., 3].astype(int)
        assert alpha[:, 34:].max() < 40
        if i < 6:
            assert alpha[:, :22].min() > 215
        else:
            assert alpha.max() < 40
    originals = [p.read()[..., ::-1] for p in VideoPictures(video)]
    for i in (0, 5):
        seen = pictures[i][:, :22, :3].astype(int)
        apart = np.abs(seen - originals[i][:, :22]).mean()
        other = np.abs(seen - originals[i + 1][:, :22]).mean()
        assert apart < 0.5 * other


def test_a_matte_is_white_where_it_sounds(left_half, tmp_path):
    video = noise_video(tmp_path / 'in.mp4', 2)
    left_half(video, out_alpha=tmp_path / 'a.mp4', progress=False)
    pictures = [p.read() for p in VideoPictures(tmp_path / 'a.mp4')]
    assert len(pictures) == 12
    assert pictures[2][:, :24].min() > 230 and pictures[2][:, 32:].max() < 25
    assert pictures[9].max() < 25
    heard = SoundFile(tmp_path / 'a.mp4').open().read(0, 2)
    assert torch.equal(heard, SoundFile(video).open().read(0, 2))


def test_other_endings_are_refused(left_half, tmp_path):
    video = noise_video(tmp_path / 'in.mp4', 2)
    for name in ('a.avi', 'a'):
        with pytest.raises(ValueError, match=r'end it in one of .mp4, .mov'):
            left_half(video, out_alpha=tmp_path / name)
    with pytest.raises(FileExistsError, match='two outputs'):
        left_half(
            video, out_alpha=tmp_path / 'o.mp4', out_video=tmp_path / 'o.mp4'
        )

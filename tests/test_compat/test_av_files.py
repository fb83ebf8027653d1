"""Only what a media file holds itself is read."""

import io
import shutil

import numpy as np
import pytest

from mmavs.audio import read_sound
from mmavs.compat.av_files import open_media
from mmavs.testing.media import write_test_video


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    pictures = np.zeros((10, 32, 32, 3), np.uint8)
    return write_test_video(
        tmp_path_factory.mktemp('media') / 'clip.mp4',
        pictures=pictures,
        sound=np.zeros((1, 16000)),
    )


PLAYLISTS = {
    'ffconcat version 1.0\nfile clip.mp4\n': 'concat.mp4',
    '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nclip.mp4\n': 'list.m3u8',
    'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n'
    'm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n': 'stream.sdp',
}


@pytest.mark.parametrize('text', PLAYLISTS, ids=PLAYLISTS.values())
def test_playlists_are_not_followed(video, text):
    path = video.with_name(PLAYLISTS[text])
    path.write_text(text)
    with pytest.raises(ValueError, match=f'{path.name} is not a video.*Fix'):
        open_media(path)
    with pytest.raises(ValueError, match='that name is not a video.*Fix'):
        open_media(io.BytesIO(text.encode()), 'that name')
    with pytest.raises(ValueError, match=f'{path.name}.*Fix'):
        read_sound(path)


def test_upstream_still_follows_playlists(video):
    """Fails once FFmpeg no longer reads other files by itself."""
    import av

    path = video.with_name('other.mp4')
    path.write_text('ffconcat version 1.0\nfile clip.mp4\n')
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10


def test_a_pattern_in_a_name_is_not_expanded(tmp_path):
    import cv2

    for name in ('1.png', '2.png', '%d.png'):
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match='%d.png is not a video'):
        open_media(tmp_path / '%d.png')


def test_a_colon_in_a_name_is_not_a_protocol(video):
    path = shutil.copy(video, video.with_name('take:1.mp4'))
    with open_media(path) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10

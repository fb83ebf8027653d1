"""One reader of pictures: whole, as stored, of bounded size, everywhere."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmavs.datasets.masks import read_mask
from mmavs.datasets.transforms import LoadFrame, LoadFrameMask
from mmavs.evaluation.mask_readers import read_binary
from mmavs.media import picture_files as pictures
from mmavs.media.picture_files import (
    decode_picture,
    open_picture,
    read_picture,
    resize_labels,
)
from mmavs.media.picture_streams import FolderPictures

NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
LEFT = np.zeros((48, 64, 3), np.uint8)
LEFT[:, :32] = 255  # left half white, as stored


def load_frame(path, backend='cv2'):
    return LoadFrame(backend)(dict(img_path=str(path)))['img']


READERS = {
    'read_picture': read_picture,
    'data set, cv2': load_frame,
    'data set, pillow': lambda path: load_frame(path, 'pillow'),
    'inferencer': lambda path: next(iter(FolderPictures([path]))).read(),
    'mask': open_picture,
}


def encode(array, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def turned_jpeg(array, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(array, 'jpeg', quality=95, exif=exif)


def grey_filler(data, flags):
    """What OpenCV 4 gives of a JPEG that is cut off."""
    return np.full((48, 64, 3), 128, np.uint8)


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('kind', ['png', 'jpeg', 'bmp', 'webp'])
@pytest.mark.parametrize('keep', [0, 0.3, 0.99])
def test_what_is_cut_off_is_refused(reader, kind, keep, tmp_path, monkeypatch):
    if kind == 'jpeg':
        monkeypatch.setattr(cv2, 'imdecode', grey_filler)
    data = encode(NOISE, kind)
    path = tmp_path / f'frame.{kind}'
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(ValueError, match='frame.* is truncated or not .*Fix'):
        READERS[reader](path)


@pytest.mark.parametrize('reader', READERS)
def test_changed_bits_of_a_png_are_found(reader, tmp_path):
    data = bytearray(encode(NOISE, 'png'))
    data[data.index(b'IEND') - 5] ^= 1  # in the checksum of its pixels
    (tmp_path / 'x.png').write_bytes(data)
    with pytest.raises(ValueError, match='x.png is .*broken PNG.*Fix'):
        READERS[reader](tmp_path / 'x.png')


def test_what_a_camera_puts_behind_a_jpeg_does_no_harm(tmp_path):
    data = encode(NOISE, 'jpeg')
    path = tmp_path / 'frame.jpg'
    path.write_bytes(data + bytes(500))
    assert (read_picture(path) == decode_picture(data, 'whole')).all()


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_an_orientation_is_not_applied(backend, monkeypatch):
    said = []
    monkeypatch.setattr(pictures, '_warn_turned', said.append)
    for orientation in range(1, 9):
        data = turned_jpeg(LEFT, orientation)
        picture = decode_picture(data, 'phone.jpg', backend)
        assert picture.shape == (48, 64, 3)
        assert picture[:, :24].min() > 250 and picture[:, 40:].max() < 5
    assert len(said) == 7  # all but 1, upright as stored
    assert 'phone.jpg' in said[0] and 'EXIF orientation 2' in said[0]


def test_frame_and_mask_keep_together(tmp_path):
    """A frame of a phone, with a mask drawn as it is stored, or as shown."""
    frame, mask = tmp_path / 'frame.jpg', tmp_path / 'mask.png'
    frame.write_bytes(turned_jpeg(LEFT, 6))
    Image.fromarray(LEFT[..., 0]).save(mask)
    results = dict(
        img_path=str(frame),
        seg_map_path=str(mask),
        seg_fields=[],
        mask_encoding='binary',
        num_classes=2,
        palette=None,
    )
    loaded = LoadFrameMask()(LoadFrame()(dict(results)))
    assert ((loaded['img'][..., 0] > 128) == loaded['gt_seg_map']).all()
    assert (FolderPictures([frame]).size) == (48, 64)
    Image.fromarray(LEFT[..., 0].T).save(mask)
    with pytest.raises(ValueError) as error:
        LoadFrameMask()(LoadFrame()(dict(results)))
    for part in ('mask.png is 48 x 64', 'frame.jpg is 64 x 48', 'EXIF orien'):
        assert part in str(error.value)


def png_of(width, height):
    """A small PNG that claims to be large."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack('>I', len(data)) + body + pack_crc(body)

    def pack_crc(body):
        return struct.pack('>I', zlib.crc32(body))

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + chunk(b'IDAT', zlib.compress(bytes(1000)))
        + chunk(b'IEND', b'')
    )


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('side', [9_500, 30_000, 2_000_000_000])
def test_a_bomb_is_refused_before_it_unfolds(reader, side, tmp_path):
    """Between Pillow's warning and its error, above it, beyond all reason."""
    path = tmp_path / 'bomb.png'
    path.write_bytes(png_of(side, side))
    with pytest.raises(ValueError, match='bomb.png has too many pixels.*Fix'):
        READERS[reader](path)
    for read in (lambda p: read_mask(p, 'binary'), read_binary):
        with pytest.raises(ValueError, match='bomb.png has too many pixels'):
            read(path)


@pytest.mark.parametrize('reader', READERS)
def test_programs_in_pictures_clothes_are_refused(reader, tmp_path):
    """Pillow would hand PostScript to Ghostscript."""
    path = tmp_path / 'frame.png'
    path.write_bytes(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n')
    with pytest.raises(ValueError, match='of no known kind'):
        READERS[reader](path)
    with pytest.raises(FileNotFoundError, match='absent.png'):
        READERS[reader](tmp_path / 'absent.png')
    with pytest.raises(ValueError, match='is truncated or not a picture'):
        read_picture(tmp_path)


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_modes_become_bgr(backend):
    grey = NOISE[..., 0]
    deep = (grey.astype(np.uint16) << 8) + 7
    for array in (grey, deep):
        picture = decode_picture(encode(array, 'png'), 'x', backend)
        assert (picture == grey[..., None]).all() and picture.shape[2] == 3
    palette = Image.fromarray(NOISE).quantize(16)
    expected = np.asarray(palette.convert('RGB'))[..., ::-1]
    buffer = io.BytesIO()
    palette.save(buffer, 'png')
    picture = decode_picture(buffer.getvalue(), 'x', backend)
    assert (picture == expected).all()
    with pytest.raises(ValueError, match="one of .*'cv2', 'pillow'.*'turbo'"):
        decode_picture(b'', 'x', 'turbo')


@pytest.mark.parametrize('size', [(512, 512), (3, 5), (100, 37), (48, 64)])
def test_labels_are_resized_as_pillow_does(size):
    labels = NOISE[..., 1]
    expected = Image.fromarray(labels).resize(size[::-1], Image.NEAREST)
    assert (resize_labels(labels, size) == np.asarray(expected)).all()


def test_labels_are_resized_as_cv2_does():
    # 6 -> 4: floor((x + 0.5) 1.5) = 0, 2, 3, 5 and floor(1.5 x) = 0, 1, 3, 4
    labels = np.arange(6, dtype=np.uint8)[None]
    assert resize_labels(labels, (1, 4)).tolist() == [[0, 2, 3, 5]]
    assert resize_labels(labels, (1, 4), 'cv2').tolist() == [[0, 1, 3, 4]]

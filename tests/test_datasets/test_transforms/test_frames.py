"""LoadFrame and LoadFrameMask."""

import cv2
import numpy as np
import pytest
from PIL import Image

from mmavs.datasets.transforms import LoadFrame, LoadFrameMask, frames

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)


@pytest.fixture(params=['png', 'jpg'])
def frame_path(request, tmp_path):
    path = tmp_path / f'frame.{request.param}'
    cv2.imwrite(str(path), PICTURE)
    return path


def test_frame_is_loaded_as_bgr(frame_path):
    results = LoadFrame()(dict(img_path=str(frame_path)))
    assert results['img'].dtype == np.uint8
    assert results['img_shape'] == results['ori_shape'] == (24, 32)
    assert (results['img'] == cv2.imread(str(frame_path))).all()


def test_pillow_decodes_as_pillow_does(frame_path):
    results = LoadFrame('pillow')(dict(img_path=str(frame_path)))
    expected = np.asarray(Image.open(frame_path).convert('RGB'))[..., ::-1]
    assert (results['img'] == expected).all()


def never(*args):
    raise AssertionError('decoded again')


def test_decoded_frames_are_kept_by_content(frame_path, tmp_path, monkeypatch):
    cache = tmp_path / 'cache'
    load = LoadFrame(cache_dir=str(cache))
    cold = load(dict(img_path=str(frame_path)))['img']
    (kept,) = cache.rglob('*.npy')
    assert (np.load(kept) == cold).all()
    with monkeypatch.context() as patch:
        patch.setattr(frames, 'decode_picture', never)
        warm = load(dict(img_path=str(frame_path)))
    assert (warm['img'] == cold).all()
    assert warm['img_shape'] == (24, 32)
    cv2.imwrite(str(frame_path), 255 - PICTURE)  # another content, same name
    fresh = load(dict(img_path=str(frame_path)))['img']
    assert (fresh == cv2.imread(str(frame_path))).all()


@pytest.mark.parametrize('keep', [0.3, 0.9, 0.995])
@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_truncated_frame_is_named(frame_path, keep, backend):
    data = frame_path.read_bytes()
    frame_path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ValueError, match='frame.* is truncated.*Fix: '):
        LoadFrame(backend)(dict(img_path=str(frame_path)))


def test_other_files_and_missing_ones_are_named(tmp_path):
    path = tmp_path / 'frame.png'
    with pytest.raises(FileNotFoundError, match='frame not found.*frame.png'):
        LoadFrame()(dict(img_path=str(path)))
    path.write_text('no picture')
    with pytest.raises(ValueError, match='frame.png is truncated or not a'):
        LoadFrame()(dict(img_path=str(path)))
    path.write_bytes(b'')
    with pytest.raises(ValueError, match='frame.png is truncated or not a'):
        LoadFrame()(dict(img_path=str(path)))


def frame_results(mask_path, **changes):
    results = dict(
        img_path='frame.png',
        seg_map_path=mask_path and str(mask_path),
        ori_shape=(24, 32),
        img_shape=(12, 16),  # resized meanwhile; the mask is that of the file
        seg_fields=[],
        mask_encoding='binary',
        num_classes=2,
        palette=[[0] * 3, [255] * 3],
    )
    return dict(results, **changes)


def test_mask_is_added_as_mmseg_wants_it(tmp_path):
    mask = np.zeros((24, 32), np.uint8)
    mask[3:9, 4:20] = 255
    path = tmp_path / 'mask.png'
    Image.fromarray(mask).save(path)
    results = LoadFrameMask()(frame_results(path))
    assert (results['gt_seg_map'] == (mask > 0)).all()
    assert results['seg_fields'] == ['gt_seg_map']


def test_frame_without_a_mask_stays_without():
    results = LoadFrameMask()(frame_results(None))
    assert 'gt_seg_map' not in results and results['seg_fields'] == []


def test_encoding_of_the_transform_wins(tmp_path):
    path = tmp_path / 'mask.png'
    Image.fromarray(np.full((24, 32), 255, np.uint8)).save(path)
    load = LoadFrameMask(encoding='index', ignore_index=255)
    assert (load(frame_results(path))['gt_seg_map'] == 255).all()
    with pytest.raises(ValueError, match="'grey'"):
        LoadFrameMask(encoding='grey')


def test_mask_of_another_size_is_named(tmp_path):
    path = tmp_path / 'mask.png'
    Image.new('L', (24, 32)).save(path)
    with pytest.raises(ValueError) as error:
        LoadFrameMask()(frame_results(path))
    for part in (str(path), '24 x 32', 'frame.png', '32 x 24', 'Fix: '):
        assert part in str(error.value)

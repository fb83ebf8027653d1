"""Masks on disk: names, levels of probability, readers, pairing."""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from mmavs.evaluation.functional.binary import thresholds_reached
from mmavs.evaluation.mask_files import (
    MaskWriter,
    decode_probability,
    encode_probability,
)
from mmavs.evaluation.mask_folders import find_clips, pair_clips, read_names
from mmavs.evaluation.mask_readers import read_binary, read_labels, read_soft


def names(folder):
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob('*.png')
    )


def test_names_are_those_of_the_ground_truth(tmp_path):
    frames = torch.tensor([[[0, 1]], [[1, 1]]])
    MaskWriter(tmp_path / 'a', 'binary').write(dict(clip_id='x_7'), frames)
    assert names(tmp_path / 'a') == ['x_7/x_7_1.png', 'x_7/x_7_2.png']
    sample = dict(clip_id='x', category='dog')
    MaskWriter(tmp_path / 'b', 'binary', released_names=True).write(
        sample, frames
    )
    assert names(tmp_path / 'b') == ['dog/x/x_0.png', 'dog/x/x_1.png']
    mask = np.asarray(Image.open(tmp_path / 'b/dog/x/x_0.png'))
    assert mask.dtype == np.uint8 and mask.tolist() == [[0, 255]]
    MaskWriter(tmp_path / 'c', 'semantic').write(sample, frames * 70)
    assert names(tmp_path / 'c') == [
        'x/labels_semantic/0.png',
        'x/labels_semantic/1.png',
    ]
    mask = np.asarray(Image.open(tmp_path / 'c/x/labels_semantic/0.png'))
    assert mask.tolist() == [[0, 70]]


def test_no_half_written_file_stays(tmp_path):
    writer = MaskWriter(tmp_path, 'binary')
    for _ in range(2):  # another rank writes the same clip
        writer.write(dict(clip_id='x'), torch.ones(1, 2, 2))
    written = sorted(path.name for path in tmp_path.rglob('*'))
    assert written == ['.mmavs_files', 'x', 'x_1.png']


@pytest.mark.parametrize('clip_id', ['../x', '/tmp/x'])
def test_clip_ids_stay_inside(tmp_path, clip_id):
    with pytest.raises(ValueError, match='cannot name a file'):
        MaskWriter(tmp_path, 'binary').path(dict(clip_id=clip_id), 0)
    with pytest.raises(ValueError, match='kind of mask'):
        MaskWriter(tmp_path, 'video')


def test_levels_keep_every_place_and_side():
    grid = torch.linspace(0, 1, 255)
    near = [
        grid,
        torch.nextafter(grid, torch.tensor(2.0)),
        torch.nextafter(grid, torch.tensor(-1.0)),
        torch.rand(1000),
    ]
    exact = torch.cat(near).clamp(0, 1)
    exact = exact[exact != 0.5]
    read = torch.from_numpy(
        decode_probability(encode_probability(exact).numpy())
    )
    assert torch.equal(thresholds_reached(read), thresholds_reached(exact))
    assert torch.equal(read > 0.5, exact > 0.5)
    # and through the logit, as folders are scored
    again = torch.logit(read).sigmoid()
    assert torch.equal(thresholds_reached(again), thresholds_reached(exact))
    assert torch.equal(again > 0.5, exact > 0.5)


def test_one_half_keeps_its_side():
    level = encode_probability(torch.tensor([[[0.5]]]))
    assert decode_probability(level.numpy()).item() < 0.5


def save(path, array, mode=None, palette=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(array, np.uint8))
    if palette:
        image.putpalette(palette)
    (image.convert(mode) if mode else image).save(path)
    return path


def test_binary_masks_of_many_makers(tmp_path):
    path, truth = tmp_path / 'm.png', [[0, 1], [1, 0]]
    white = np.array(truth) * 255
    for mode in (None, '1', 'P', 'RGB'):
        assert read_binary(save(path, white, mode)).tolist() == truth
    assert read_binary(save(path, white - 1 * (white > 0))).tolist() == truth
    assert read_binary(save(path, truth)).tolist() == truth
    zero_one = save(path, truth, palette=[0, 0, 0, 255, 255, 255])
    assert read_binary(zero_one).tolist() == truth
    other = save(path, 1 - np.array(truth), palette=[255] * 3 + [0] * 3)
    assert read_binary(other).tolist() == truth
    assert read_binary(save(path, np.zeros((2, 2)))).tolist() == [[0, 0]] * 2
    assert read_binary(save(path, white), size=(4, 4)).shape == (4, 4)
    with pytest.raises(ValueError, match='other than 0 and 255.*--soft'):
        read_binary(save(path, [[0, 100]]))


def test_damaged_masks_are_named(tmp_path):
    meta = dict(classes=('a', 'b'), palette=[[0, 0, 0], [9, 0, 0]])
    whole = save(tmp_path / 'm.png', np.eye(40)).read_bytes()
    for data in (b'', whole[:60]):
        path = tmp_path / 'damaged.png'
        path.write_bytes(data)
        for read in (read_binary, read_soft, partial(read_labels, **meta)):
            with pytest.raises(ValueError, match='damaged.png is trunc.*Fix'):
                read(path)


def test_labels_as_indices_or_colours(tmp_path):
    path, truth = tmp_path / 'm.png', [[0, 1], [2, 0]]
    meta = dict(
        classes=('a', 'b', 'c'), palette=[[0, 0, 0], [9, 0, 0], [0, 9, 0]]
    )
    colors = np.array(meta['palette'])[np.array(truth)]
    assert read_labels(save(path, truth), **meta).tolist() == truth
    assert read_labels(save(path, colors), **meta).tolist() == truth
    assert read_labels(save(path, [[255]]), **meta).tolist() == [[255]]
    with pytest.raises(ValueError, match='outside'):
        read_labels(save(path, [[7]]), **meta)


def test_soft_masks_of_8_and_16_bits(tmp_path):
    path = save(tmp_path / 'm.png', [[0, 51, 255]])
    assert read_soft(path)[0].tolist() == pytest.approx([0, 0.2, 1])
    Image.fromarray(np.array([[0, 13107, 65535]], np.uint16)).save(path)
    assert read_soft(path)[0].tolist() == pytest.approx([0, 0.2, 1])
    with pytest.raises(ValueError, match='one grey channel'):
        read_soft(save(path, np.zeros((2, 2, 3))))


def test_clips_meet_by_name_whatever_lies_around(tmp_path):
    mask = [[0]]
    for number in (1, 2):
        save(tmp_path / f'gt/dog/x_7/x_7_{number}.png', mask)
        save(tmp_path / f'gt/cat/y/y_{number}.png', mask)
        save(tmp_path / f'flat/x_7_{number - 1}.png', mask)
        save(tmp_path / f'flat/y.mp4_{number - 1}.png', mask)
        save(tmp_path / f'bare/x_7/{number}.png', mask)
        save(tmp_path / f'bare/y/labels_semantic/{number}.png', mask)
    true = find_clips(tmp_path / 'gt')
    assert list(true) == [('cat', 'y'), ('dog', 'x_7')]
    pairs = pair_clips(find_clips(tmp_path / 'flat'), true)
    assert [pair.key[-1] for pair in pairs] == ['y', 'x_7']
    assert [p.name for p in pairs[1].predicted] == ['x_7_0.png', 'x_7_1.png']
    # only what is in labels_semantic counts once there is such a folder
    assert list(find_clips(tmp_path / 'bare')) == [('y',)]
    pairs = pair_clips(true, true, names=['x_7', 'y'])
    assert [pair.key[-1] for pair in pairs] == ['x_7', 'y']


def test_missing_clips_and_frames_are_named(tmp_path):
    for number in (1, 2, 3):
        save(tmp_path / f'gt/x_{number}.png', [[0]])
        save(tmp_path / f'gt/y_{number}.png', [[0]])
    save(tmp_path / 'predicted/x_1.png', [[0]])
    save(tmp_path / 'predicted/x_3.png', [[0]])
    true = find_clips(tmp_path / 'gt')
    predicted = find_clips(tmp_path / 'predicted')
    with pytest.raises(ValueError, match=r'clip x: frames \[1, 3\].*1, 2, 3'):
        pair_clips(predicted, true)
    save(tmp_path / 'predicted/x_2.png', [[0]])
    predicted = find_clips(tmp_path / 'predicted')
    with pytest.raises(ValueError, match='1 of 2 clips .*first is y'):
        pair_clips(predicted, true)
    assert len(pair_clips(predicted, true, ['x'])) == 1
    message = "1 of 1 clips of x.csv are not .*first is 'z'. Fix"
    with pytest.raises(ValueError, match=message):
        pair_clips(predicted, true, ['z'], 'x.csv')
    save(tmp_path / 'predicted/x/2.png', [[0]])
    with pytest.raises(ValueError, match='both the same frame'):
        find_clips(tmp_path / 'predicted')
    with pytest.raises(FileNotFoundError, match='no masks in'):
        find_clips(tmp_path / 'nowhere')


def test_lists_of_clips(tmp_path):
    path = tmp_path / 'meta.csv'
    path.write_text('video_id,split\nb,test\na,train\nc,test\n')
    assert read_names(path, 'test') == ['b', 'c']
    assert read_names(path) == ['b', 'a', 'c']
    text = tmp_path / 'names.txt'
    text.write_text('c\nb\n\n')
    assert read_names(text) == ['c', 'b']
    with pytest.raises(ValueError, match='no clip of split'):
        read_names(path, 'val')
    path.write_text('video_id,split\n,val\nb,test\n,test\n')
    with pytest.raises(ValueError, match='meta.csv, line 4: no video_id. F'):
        read_names(path, 'test')
    path.write_text('video,split\nb,test\n')
    with pytest.raises(ValueError, match='needs a column'):
        read_names(path, 'test')
    with pytest.raises(FileNotFoundError, match='list of clips'):
        read_names(tmp_path / 'none.csv')
    for path, content in (
        (tmp_path / 'twice.csv', 'uid,split\na,test\nb,test\na,val\n'),
        (tmp_path / 'twice.txt', 'a\nb\na\n'),
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match="twice.*lists 'a' twice.*Fix: "):
            read_names(path)
    assert read_names(tmp_path / 'twice.csv', 'test') == ['a', 'b']


def test_resizing_is_that_of_the_pipeline(tmp_path):
    path = save(tmp_path / 'm.png', np.array([[0, 1, 0, 0, 1, 1]]) * 255)
    # 6 -> 4: Pillow reads columns 0, 2, 3, 5, OpenCV 0, 1, 3, 4
    assert read_binary(path, (4, 1)).tolist() == [[0, 0, 0, 1]]
    assert read_binary(path, (4, 1), 'cv2').tolist() == [[0, 1, 0, 1]]

"""Masks in every encoding, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from mmavs.datasets import masks
from mmavs.datasets.avss_classes import AVSS_CLASSES, AVSS_PALETTE
from mmavs.datasets.masks import read_mask
from mmavs.testing.golden import load_arrays

OBJECT = np.zeros((6, 9), np.uint8)
OBJECT[1:5, 2:6] = 1


def save(tmp_path, image):
    path = tmp_path / 'mask.png'
    image.save(path)
    return path


def palette_image(indices, colors):
    image = Image.fromarray(indices.astype(np.uint8), mode='P')
    image.putpalette(sum(colors, []))
    return image


GREY = Image.fromarray(OBJECT * 255)
BINARY_IMAGES = {
    '1': GREY.convert('1'),
    'L': GREY,
    'P, grey ramp': GREY.convert('P'),
    'P, black and white': palette_image(OBJECT, [[0] * 3, [255] * 3]),
    'P, white first': palette_image(1 - OBJECT, [[255] * 3, [0] * 3]),
    'RGB': GREY.convert('RGB'),
    'RGBA': GREY.convert('RGBA'),
}


@pytest.mark.parametrize('mode', BINARY_IMAGES)
def test_binary_masks_of_every_mode_are_one_and_the_same(tmp_path, mode):
    mask = read_mask(save(tmp_path, BINARY_IMAGES[mode]), 'binary')
    assert mask.dtype == np.uint8 and (mask == OBJECT).all()


@pytest.mark.parametrize(
    'image, message',
    [
        (Image.fromarray(OBJECT * 200), r'other than 0 and 255 \(200\)'),
        (Image.fromarray(OBJECT), r'other than 0 and 255 \(1\).*index'),
        (GREY.convert('RGB').resize((12, 8), 2), 'other than 0 and 255'),
        (palette_image(OBJECT, [[0] * 3, [128, 0, 0]]), 'colour picture'),
    ],
)
def test_binary_masks_of_other_values_are_refused(tmp_path, image, message):
    path = save(tmp_path, image)
    with pytest.raises(ValueError, match=f'mask.png.*{message}') as error:
        read_mask(path, 'binary')
    assert 'Fix' in str(error.value)


ROUNDED = np.where(OBJECT, 254, 0).astype(np.uint8)
ROUNDED[1, 2], ROUNDED[0, 0] = 255, 1


@pytest.mark.parametrize('mode', ['L', 'RGB'])
def test_rounding_is_forgiven_where_it_is_asked_for(
    tmp_path, mode, monkeypatch
):
    said = []
    monkeypatch.setattr(masks, '_warn_near', said.append)
    path = save(tmp_path, Image.fromarray(ROUNDED).convert(mode))
    assert (read_mask(path, 'near-binary') == OBJECT).all()
    assert len(said) == 1 and 'mask.png holds values beside' in said[0]
    assert '(0, 1, 254, 255)' in said[0]
    with pytest.raises(ValueError, match=r'other than 0 and 255 \(1, 254\)'):
        read_mask(path, 'binary')
    save(tmp_path, GREY)
    assert (read_mask(path, 'near-binary') == OBJECT).all()
    assert len(said) == 1  # of black and white there is nothing to say


@pytest.mark.parametrize(
    'values, message',
    [
        (OBJECT, r'\(1\)'),  # class indices
        (ROUNDED - 2 * OBJECT, r'\(1, 252, 253\)'),
        (ROUNDED + 2 * (1 - OBJECT), r'\(2, 3, 254\)'),
        (np.where(OBJECT, 255, 100), r'\(100\)'),
    ],
)
def test_what_rounding_does_not_explain_is_refused(tmp_path, values, message):
    path = save(tmp_path, Image.fromarray(values.astype(np.uint8)))
    with pytest.raises(ValueError, match=f'other than 0 and 255 {message}'):
        read_mask(path, 'near-binary')


def with_alpha(colors, alpha):
    image = Image.fromarray(np.asarray(colors, np.uint8))
    image.putalpha(Image.fromarray(alpha))
    return image


@pytest.mark.parametrize('mode', ['L', 'RGB'])
@pytest.mark.parametrize('color', [0, 255])
def test_a_mask_drawn_in_its_transparency_is_refused(tmp_path, mode, color):
    plain = Image.fromarray(np.full_like(OBJECT, color)).convert(mode)
    path = save(tmp_path, with_alpha(plain, OBJECT * 255))
    with pytest.raises(ValueError, match='mask.png.*transparency.*Fix'):
        read_mask(path, 'binary')


def test_a_transparent_background_changes_nothing(tmp_path):
    path = save(tmp_path, with_alpha(GREY.convert('RGB'), OBJECT * 255))
    assert (read_mask(path, 'binary') == OBJECT).all()


@pytest.mark.parametrize('kind', ['L', 'P', 'I;16'])
def test_index_masks_give_raw_values(tmp_path, kind):
    labels = OBJECT * 70
    image = {
        'L': Image.fromarray(labels),
        'P': palette_image(labels, AVSS_PALETTE),
        'I;16': Image.fromarray(labels.astype(np.uint16)),
    }[kind]
    mask = read_mask(save(tmp_path, image), 'index', num_classes=71)
    assert mask.dtype == np.uint8 and (mask == labels).all()


def test_index_outside_the_classes_is_refused(tmp_path):
    path = save(tmp_path, Image.fromarray(OBJECT * 71))
    with pytest.raises(ValueError, match=r'mask.png.*0\.\.70 \(71\)'):
        read_mask(path, 'index', num_classes=71)
    path = save(tmp_path, Image.fromarray(OBJECT * 255))
    with pytest.raises(ValueError, match=r'\(255\).*ignore_index=255'):
        read_mask(path, 'index', num_classes=71)
    mask = read_mask(path, 'index', num_classes=71, ignore_index=255)
    assert set(np.unique(mask)) == {0, 255}


def test_index_mask_in_colour_is_refused(tmp_path):
    path = save(tmp_path, GREY.convert('RGB'))
    with pytest.raises(ValueError, match='mode RGB.*Fix'):
        read_mask(path, 'index', num_classes=71)


def test_official_palette_and_round_trip():
    golden = load_arrays('data_side')
    assert (np.array(AVSS_PALETTE) == golden['palette_71x3']).all()
    assert len(AVSS_CLASSES) == 71
    official = {0: 'background', 1: 'accordion', 43: 'missile-rocket'}
    official.update({22: 'emergency-car', 66: 'utv', 70: 'woman'})
    assert all(AVSS_CLASSES[i] == name for i, name in official.items())


def test_colours_become_classes(tmp_path):
    golden = load_arrays('data_side')
    colors = golden['palette_71x3'][golden['label_in']].astype(np.uint8)
    path = save(tmp_path, Image.fromarray(colors))
    mask = read_mask(path, 'palette', palette=AVSS_PALETTE)
    assert (mask == golden['label_out_roundtrip']).all()
    assert len(np.unique(mask)) > 10


def test_unknown_colour_is_refused(tmp_path):
    colors = np.zeros((6, 9, 3), np.uint8)
    colors[2, 3] = 128, 0, 1
    path = save(tmp_path, Image.fromarray(colors))
    with pytest.raises(ValueError) as error:
        read_mask(path, 'palette', palette=AVSS_PALETTE)
    for part in (str(path), 'RGB (128, 0, 1)', 'row 2, column 3', '1 pixels'):
        assert part in str(error.value)


def test_damaged_and_missing_masks_are_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 2, (64, 64)) * 255
    path = save(tmp_path, Image.fromarray(noise.astype(np.uint8)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match='mask.png is truncated.*Fix: '):
        read_mask(path, 'binary')
    path.write_text('no picture')
    with pytest.raises(ValueError, match='mask.png is truncated or not a'):
        read_mask(path, 'binary')
    with pytest.raises(FileNotFoundError, match='absent.png'):
        read_mask(tmp_path / 'absent.png', 'binary')
    with pytest.raises(ValueError, match="'grey'.*Fix"):
        read_mask(save(tmp_path, GREY), 'grey')

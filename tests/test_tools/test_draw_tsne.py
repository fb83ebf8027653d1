"""draw_tsne pools features under masks and draws one point each."""

import importlib.util
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from matplotlib import colormaps
from PIL import Image

from mmavs.analysis.masked_features import pool_under_masks, sounding_masks
from mmavs.structures import AVSDataSample, FramePixelData

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(monkeypatch, tmp_path):
    path = ROOT / 'tools' / 'analysis_tools' / 'draw_tsne.py'
    spec = importlib.util.spec_from_file_location('draw_tsne', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)  # the log-mel cache goes there
    return module


def draw(tool, monkeypatch, capsys, config, root, *words):
    """Draw the train split; gives points, colours, what is left out."""
    arguments = ['draw', str(ROOT / f'configs/synthetic/{config}.py'), *words]
    arguments += ['--masks', 'true', '--out', 'x/tsne.png', '--cfg-options']
    arguments += [
        f'{split}_dataloader.dataset.data_root={root}'
        for split in ('train', 'val', 'test')
    ]
    monkeypatch.setattr(sys, 'argv', arguments)
    tool.main()
    line = capsys.readouterr().out.splitlines()[-1]
    numbers = re.findall(r'\d+', line.rpartition(':')[0])
    return tuple(map(int, numbers))


def labelled(root, split):
    """How many frames of a split sound, and how many do not."""
    masks = sorted(root.glob(f'*/gt_masks/{split}/**/*.png'))
    sounding = [bool(np.asarray(Image.open(path)).any()) for path in masks]
    return sum(sounding), len(sounding) - sum(sounding)


def drawn_colors():
    """Which colours of the palette are in the picture, but its greys."""
    picture = cv2.imread('x/tsne.png')[..., ::-1].reshape(-1, 3)
    colors = np.round(255 * np.array(colormaps['tab20'].colors)).astype(int)
    found = (np.abs(picture[:, None].astype(int) - colors) <= 1).all(2).any(0)
    return set(found.nonzero()[0]) - {14, 15}


def test_every_sounding_frame_is_a_point(tool, monkeypatch, capsys, tiny_ms3):
    points, colors, empty = draw(
        tool, monkeypatch, capsys, 'tpavi_tiny_ms3', tiny_ms3, '--per', 'frame'
    )
    assert (points, empty) == labelled(tiny_ms3, 'test')
    # as many clusters of sound as there are, at most K = 20
    assert colors == min(20, points)
    assert drawn_colors() == set(range(colors)) - {14, 15}


def test_clips_have_the_colour_of_their_category(
    tool, monkeypatch, capsys, tiny_s4
):
    words = ('--split', 'train')
    found = draw(tool, monkeypatch, capsys, 'tpavi_tiny_s4', tiny_s4, *words)
    clips = [p.parent.name for p in tiny_s4.glob('*/audio_wav/train/*/*.wav')]
    assert found == (len(clips), len(set(clips)), 0)
    assert drawn_colors() == set(range(found[1]))


def test_what_is_heard_names_the_colours_of_a_deaf_model(
    tool, monkeypatch, capsys, tiny_ms3
):
    words = ('--per', 'frame', '--color')
    points, colors, _ = draw(
        tool,
        monkeypatch,
        capsys,
        'nosound_tiny_ms3',
        tiny_ms3,
        *words,
        'class',
    )
    assert 4 <= points and 1 < colors <= points
    with pytest.raises(ValueError, match='no audio encoder.*Fix: '):
        draw(
            tool,
            monkeypatch,
            capsys,
            'nosound_tiny_ms3',
            tiny_ms3,
            *words,
            'cluster',
        )


def test_mistakes_are_named(tool, monkeypatch, capsys, tiny_ms3):
    run = (tool, monkeypatch, capsys, 'tpavi_tiny_ms3', tiny_ms3)
    with pytest.raises(ValueError, match='gives 4 maps, there is no number 4'):
        draw(*run, '--scale', '4')
    with pytest.raises(ValueError, match='points have a mask.*needs four'):
        draw(*run)  # three test clips
    monkeypatch.setitem(sys.modules, 'sklearn', None)
    with pytest.raises(ImportError, match='Fix: pip install scikit-learn'):
        draw(*run)


def test_clusters_of_sound_are_found(tool, monkeypatch):
    centers = np.random.default_rng(0).normal(size=(5, 8)) * 10
    numbers = np.arange(40) % 5
    audio = centers[numbers] + np.random.default_rng(1).normal(size=(40, 8))
    monkeypatch.setattr(tool, 'NUM_CLUSTERS', 5)
    labels = tool.cluster_labels(audio, seed=0)
    assert set(labels) == {f'cluster 0{n}' for n in range(1, 6)}
    assert len(set(zip(labels, numbers))) == 5


def test_features_are_averaged_over_the_mask():
    features = torch.arange(8.0).view(1, 2, 2, 2).repeat(3, 1, 1, 1)
    masks = torch.zeros(3, 1, 4, 4, dtype=torch.bool)
    masks[0, :, :2, :2] = True  # the first cell, whole
    masks[1, :, 0, 0] = True  # a quarter of it
    masks[1, :, 2:, 2:] = True  # and the last, whole
    pooled = pool_under_masks(features, masks)
    assert pooled[0].tolist() == [0, 4]
    expected = [(0.25 * 0 + 3) / 1.25, (0.25 * 4 + 7) / 1.25]
    assert pooled[1].tolist() == pytest.approx(expected)
    assert pooled[2].isnan().all()


def test_masks_lie_where_the_input_is():
    """Of a file of 2 x 4, resized to 4 x 8 and padded to 8 x 8."""
    sample = AVSDataSample(metainfo=dict(img_shape=(4, 8)))
    assert sounding_masks(sample, (8, 8)) is None
    labels = torch.tensor([[0, 1, 255, 2], [0, 0, 0, 0]])
    sample.gt_sem_seg = FramePixelData(data=labels[None, None])
    masks = sounding_masks(sample, (8, 8), 'gt_sem_seg')
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[:2, 2:4] = expected[:2, 6:] = True
    assert (masks[0, 0] == expected).all()

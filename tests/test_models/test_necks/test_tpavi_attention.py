"""The attention maps of TPAVI."""

import torch

from mmavs.models.necks import TPAVI
from mmavs.structures import AVFeatures


def make(num_clips, num_frames, sizes=((6, 5),), channels=8, dtype=None):
    frames = num_clips * num_frames
    visual = tuple(
        torch.randn(frames, channels, *size, dtype=dtype) for size in sizes
    )
    return AVFeatures(visual, torch.randn(frames, 12, dtype=dtype))


def equation_1(block, x, audio, num_frames, mode):
    """Z = V + rho(alpha g(V)), alpha = theta(V) phi(A)^T / (T*h*w).

    Written for one window, pixel by pixel: (T, C, h, w) -> (T, C, h, w).
    """
    pixels = x.permute(0, 2, 3, 1).flatten(0, 2)  # (M, C)
    sound = block.align(audio) if mode == 'audio-visual' else None
    if mode == 'audio-visual':
        area = x.shape[-2] * x.shape[-1]
        sound = sound.repeat_interleave(area, dim=0)  # A, one row a pixel
    else:
        sound = pixels

    def conv(layer, rows):
        return rows @ layer.weight.flatten(1).T + layer.bias

    alpha = conv(block.theta, pixels) @ conv(block.phi, sound).T / len(pixels)
    z = pixels + conv(block.rho, alpha @ conv(block.g, pixels))
    size = (num_frames, *x.shape[-2:], x.shape[1])
    return z.view(size).permute(0, 3, 1, 2), alpha


def test_attention_is_alpha_of_equation_1():
    neck = TPAVI([8], 12).double()
    features = make(2, 5, dtype=torch.float64)
    maps = neck.attention_maps(features, 5)
    assert [m.shape for m in maps] == [(10, 6, 5)]
    for clip in range(2):
        rows = slice(5 * clip, 5 * clip + 5)
        _, alpha = equation_1(
            neck.blocks['0'],
            features.visual[0][rows],
            features.audio[rows],
            5,
            'audio-visual',
        )
        alpha = alpha.view(5, 30, 5, 30)
        own = torch.stack([alpha[t, :, t, 0] for t in range(5)])
        torch.testing.assert_close(maps[0][rows].flatten(1), own)


def test_attention_without_sound():
    neck = TPAVI([8], 12, mode='visual-visual').double()
    features = make(1, 5, dtype=torch.float64)
    _, alpha = equation_1(
        neck.blocks['0'], features.visual[0], None, 5, 'visual-visual'
    )
    alpha = alpha.view(5, 30, 5, 30)
    own = torch.stack([alpha[t, :, t].mean(-1) for t in range(5)])
    shown = neck.attention_maps(features, 5)[0]
    torch.testing.assert_close(shown.flatten(1), own)

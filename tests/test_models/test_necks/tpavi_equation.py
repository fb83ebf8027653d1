"""TPAVI by Eq. 1, and features to try it on."""

import torch

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
        sound = sound.repeat_interleave(area, dim=0)  # A, one row per pixel
    else:
        sound = pixels

    def conv(layer, rows):
        return rows @ layer.weight.flatten(1).T + layer.bias

    alpha = conv(block.theta, pixels) @ conv(block.phi, sound).T / len(pixels)
    z = pixels + conv(block.rho, alpha @ conv(block.g, pixels))
    size = (num_frames, *x.shape[-2:], x.shape[1])
    return z.view(size).permute(0, 3, 1, 2), alpha

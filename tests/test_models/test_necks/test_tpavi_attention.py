"""The attention maps of TPAVI."""

import torch
from tpavi_equation import equation_1, make

from mmavs.models.necks import TPAVI


def test_attention_is_alpha_of_equation_1():
    neck = TPAVI([8], 12).double()
    features = make(2, 5, dtype=torch.float64)
    maps = neck.attention_maps(features._replace(num_frames=5))
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
    shown = neck.attention_maps(features._replace(num_frames=5))[0]
    torch.testing.assert_close(shown.flatten(1), own)

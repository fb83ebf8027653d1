"""TPAVI against Eq. 1, against released figures, and what it implies."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from tpavi_equation import equation_1, make

from mmavs.models.necks import TPAVI
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients


def draw(neck):
    """Give constant parameters (zero scales, biases) random values."""
    torch.manual_seed(1)
    for parameter in neck.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, std=0.5)
    return neck


@pytest.mark.parametrize('mode', ['audio-visual', 'visual-visual'])
@pytest.mark.parametrize(
    'num_clips, num_frames, window',
    [(2, 5, 5), (1, 10, 5), (2, 3, None), (2, 3, 5)],
)
def test_equation_1(mode, num_clips, num_frames, window):
    neck = TPAVI([8], 12, window=window, mode=mode, norm_cfg=None).double()
    features = make(num_clips, num_frames, dtype=torch.float64)
    fused = neck(features._replace(num_frames=num_frames)).visual[0]
    step = min(window or num_frames, num_frames)
    for start in range(0, num_clips * num_frames, step):
        rows = slice(start, start + step)
        expected, _ = equation_1(
            neck.blocks['0'],
            features.visual[0][rows],
            features.audio[rows],
            step,
            mode,
        )
        torch.testing.assert_close(fused[rows], expected)


def test_both_is_the_mean_of_the_two():
    both = draw(TPAVI([8], 12, mode='both').eval())
    weights = both.state_dict()
    features = make(2, 5)
    parts = []
    for mode in ('audio-visual', 'visual-visual'):
        neck = TPAVI([8], 12, mode=mode).eval()
        own = {k: v for k, v in weights.items() if k in neck.state_dict()}
        neck.load_state_dict(own)
        parts.append(neck(features._replace(num_frames=5)).visual[0])
    expected = (parts[0] + parts[1]) / 2
    torch.testing.assert_close(
        both(features._replace(num_frames=5)).visual[0], expected
    )


# ------------------------------------------------- memory, time, invariances


class LargestTensor(TorchDispatchMode):
    """Remembers the most elements that any operation gave."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for value in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(value, torch.Tensor):
                storage = value.untyped_storage().nbytes()
                self.numel = max(self.numel, storage // value.element_size())
        return out


@pytest.mark.parametrize('mode', ['audio-visual', 'both'])
def test_memory_is_linear(mode):
    neck = TPAVI([8], 12, mode=mode)
    features = make(1, 5, sizes=((24, 24),))
    with LargestTensor() as largest:
        neck(features._replace(num_frames=5)).visual[
            0
        ].square().sum().backward()
    # the map itself, and never the (5*24*24)^2 pairs of its pixels
    assert largest.numel == features.visual[0].numel()


def test_still_picture_cannot_tell_the_order_of_sounds():
    neck = draw(TPAVI([8], 12, window=None).eval())
    picture = torch.randn(1, 8, 6, 5).expand(5, -1, -1, -1)
    sounds = torch.randn(5, 12)
    fused = neck(AVFeatures((picture,), sounds)._replace(num_frames=5)).visual[
        0
    ]
    torch.testing.assert_close(fused, fused[:1].expand_as(fused))
    rolled = neck(
        AVFeatures((picture,), sounds.roll(1, 0))._replace(num_frames=5)
    ).visual[0]
    torch.testing.assert_close(rolled, fused)
    # while one frame a window follows each second
    alone = draw(TPAVI([8], 12, window=1).eval())
    fused = alone(
        AVFeatures((picture,), sounds)._replace(num_frames=5)
    ).visual[0]
    rolled = alone(
        AVFeatures((picture,), sounds.roll(1, 0))._replace(num_frames=5)
    ).visual[0]
    torch.testing.assert_close(rolled, fused.roll(1, 0))
    assert not torch.allclose(fused[0], fused[1], atol=1e-2)


def test_windows_do_not_interact():
    neck = draw(TPAVI([8], 12).eval())
    features = make(1, 10)
    before = neck(features._replace(num_frames=10)).visual[0]
    features.audio[7] += 1
    after = neck(features._replace(num_frames=10)).visual[0]
    assert torch.equal(after[:5], before[:5])
    assert (after[5:] - before[5:]).abs().amax((1, 2, 3)).min() > 1e-4


def test_clips_are_independent():
    neck = draw(TPAVI([8], 12, window=None, mode='both').eval())
    features = make(3, 4)
    fused = neck(features._replace(num_frames=4)).visual[0]
    for clip in range(3):
        rows = slice(4 * clip, 4 * clip + 4)
        alone = AVFeatures((features.visual[0][rows],), features.audio[rows])
        torch.testing.assert_close(
            neck(alone._replace(num_frames=4)).visual[0], fused[rows]
        )


@pytest.mark.parametrize('window', [None, 5])
@pytest.mark.parametrize('mode', ['audio-visual', 'both'])
def test_padded_frames_change_nothing(mode, window):
    neck = draw(TPAVI([8], 12, window=window, mode=mode).eval())
    short = make(1, 3)
    expected = neck(short._replace(num_frames=3)).visual[0]
    # padding holds rubbish, as after a backbone with biases
    padded = AVFeatures(
        (torch.cat([short.visual[0], torch.randn(2, 8, 6, 5)]),),
        torch.cat([short.audio, torch.randn(2, 12)]),
        valid=torch.tensor([True, True, True, False, False]),
    )
    fused = neck(padded._replace(num_frames=5))
    torch.testing.assert_close(fused.visual[0][:3], expected)
    assert not fused.visual[0][3:].any()
    assert fused.aligned_audio[0].shape == (5, 8)


def test_starts_as_layer_norm():
    neck = TPAVI([8], 12)
    features = make(1, 5)
    x = features.visual[0].permute(0, 2, 3, 1)
    expected = torch.nn.functional.layer_norm(x, (8,)).permute(0, 3, 1, 2)
    torch.testing.assert_close(
        neck(features._replace(num_frames=5)).visual[0], expected
    )


def test_any_subset_of_scales():
    sizes = ((8, 8), (4, 4), (2, 2))
    features = make(1, 5, sizes=sizes)
    neck = draw(TPAVI([8] * 3, 12, stages=(2, 0)).eval())
    fused = neck(features._replace(num_frames=5))
    assert fused.visual[1] is features.visual[1]
    assert fused.aligned_audio[1] is None
    for i in (0, 2):
        assert not torch.equal(fused.visual[i], features.visual[i])
        assert fused.aligned_audio[i].shape == (5, 8)
    assert TPAVI([8] * 3, 12, stages=())(features) is features


def test_tokens_of_sound_are_averaged():
    neck = draw(TPAVI([8], 12).eval())
    features = make(1, 5)
    tokens = features.audio[:, None] + torch.tensor([-1.0, 1.0])[:, None]
    fused = neck(
        features._replace(audio=tokens)._replace(num_frames=5)
    ).visual[0]
    torch.testing.assert_close(
        fused, neck(features._replace(num_frames=5)).visual[0]
    )


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('mode', ['audio-visual', 'visual-visual'])
def test_half_precision(dtype, mode):
    """Also where sums over pixels pass float16's range (65504)."""
    neck = draw(TPAVI([8], 12, mode=mode).eval())
    features = make(1, 5, sizes=((40, 40),))
    visual = features.visual[0] * 8 + 4
    features = features._replace(visual=(visual,))
    expected = neck(features._replace(num_frames=5)).visual[0]
    with torch.autocast('cpu', dtype=dtype):
        fused = neck(features._replace(num_frames=5)).visual[0]
    limit = 0.15 if dtype == torch.bfloat16 else 0.02
    assert (fused.float() - expected).abs().max() < limit


@pytest.mark.parametrize('mode', ['audio-visual', 'visual-visual', 'both'])
@pytest.mark.parametrize('norm_cfg', [dict(type='BN'), None])
def test_every_parameter_gets_a_gradient(mode, norm_cfg):
    neck = TPAVI([8, 8], 12, mode=mode, norm_cfg=norm_cfg)
    features = make(2, 5, sizes=((4, 4), (2, 2)))

    def run():
        out = neck(features._replace(num_frames=5))
        return sum(x.pow(3).sum() for x in out.visual)

    check_gradients(neck, run)


# ------------------------------------------------------------------- errors


def test_errors():
    with pytest.raises(ValueError, match="mode must be one of .* got 'va'"):
        TPAVI([8], 12, mode='va')
    with pytest.raises(ValueError, match='window must be 1 or more, got 0'):
        TPAVI([8], 12, window=0)
    with pytest.raises(ValueError, match=r'stages=\(0, 1\) must lie in 0..0'):
        TPAVI([8], 12, stages=(0, 1))
    neck = TPAVI([8], 12)
    features = make(1, 6)
    with pytest.raises(ValueError, match='6 frames cannot be cut into windo'):
        neck(features._replace(num_frames=6))
    with pytest.raises(ValueError, match='6 maps are not a multiple of T = 5'):
        neck(features._replace(num_frames=5))
    features = make(1, 5)
    with pytest.raises(ValueError, match='5 frames came with 4 seconds'):
        neck(
            features._replace(audio=features.audio[:4])._replace(num_frames=5)
        )
    with pytest.raises(ValueError, match='audio_channels=12.* gives 7'):
        neck(
            features._replace(audio=features.audio[:, :7])._replace(
                num_frames=5
            )
        )
    with pytest.raises(ValueError, match='the model has no audio_encoder'):
        neck(features._replace(audio=None)._replace(num_frames=5))
    with pytest.raises(ValueError, match=r'in_channels=\(8,\), but gets \(4'):
        neck(make(1, 5, channels=4)._replace(num_frames=5))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('mode', ['audio-visual', 'visual-visual'])
def test_on_gpu(mode):
    """As on the CPU, in float16 too, and in linear memory."""
    neck = draw(TPAVI([64], 12, mode=mode).eval())
    features = make(1, 5, sizes=((56, 56),), channels=64)
    expected = neck(features._replace(num_frames=5)).visual[0]
    neck.cuda()
    features = AVFeatures((features.visual[0].cuda(),), features.audio.cuda())
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    with torch.no_grad():
        fused = neck(features._replace(num_frames=5)).visual[0]
        peak = torch.cuda.max_memory_allocated() - held
        with torch.autocast('cuda', dtype=torch.float16):
            half = neck(features._replace(num_frames=5)).visual[0]
    assert (fused.cpu() - expected).abs().max() < 1e-2  # TF32 is allowed
    assert (half.float().cpu() - expected).abs().max() < 5e-2
    assert peak < 20 * features.visual[0].numel() * 4  # pairs: 983 MB

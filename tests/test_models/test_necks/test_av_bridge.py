from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config

from mmavs.models.layers.positions import pixel_centres
from mmavs.models.necks.av_bridge import BridgeLayer
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients

ROOT = Path(__file__).resolve().parents[3]
CHANNELS = (8, 16, 24, 32)
TINY = dict(
    type='AVBridge',
    in_channels=CHANNELS,
    audio_channels=12,
    embed_dims=32,
    num_heads=4,
    encoder=dict(num_layers=1, ffn_channels=48),
    queries=dict(num_queries=5, num_layers=1, ffn_channels=48),
    decoder=dict(num_layers=2, audio_weight=0.7),  # from 0 AGV is deaf
)
HEAD = dict(type='BAVDHead', embed_dims=32, num_queries=5, mlp_channels=24)


def tiny(**changes):
    """TINY with some fields, or fields of its parts, changed."""
    merged = {
        key: dict(TINY[key], **value) if isinstance(value, dict) else value
        for key, value in changes.items()
    }
    return dict(TINY, **merged)


def random_features(num_frames, size=2, tokens=None):
    visual = tuple(
        torch.randn(num_frames, c, size * 2**i, size * 2**i)
        for c, i in zip(CHANNELS, (3, 2, 1, 0))
    )
    shape = (num_frames, 12) if tokens is None else (num_frames, tokens, 12)
    return AVFeatures(visual, torch.randn(shape))


def by_hand(attention, query, memory):
    """Multi-head softmax(Q K^T / sqrt(d)) V, head by head."""
    heads = attention.num_heads
    q, k, v = (
        F.linear(x, w, b).unflatten(-1, (heads, -1))
        for x, w, b in zip(
            (query, memory, memory),
            attention.in_proj_weight.chunk(3),
            attention.in_proj_bias.chunk(3),
        )
    )
    outputs = []
    for h in range(heads):
        scores = q[:, :, h] @ k[:, :, h].transpose(1, 2)
        scores = scores / q.shape[-1] ** 0.5
        outputs.append(scores.softmax(-1) @ v[:, :, h])
    return attention.out_proj(torch.cat(outputs, -1))


# ---------------------------------------------------------------- equations


@pytest.mark.parametrize('residual', [False, True])
def test_layer_follows_equations_2_and_3(residual):
    """K and V of vision are the VGA layer's input; of sound, AGV's output."""
    layer = BridgeLayer(
        32, num_heads=4, num_levels=2, num_points=3, vga_residual=residual
    ).eval()
    torch.nn.init.constant_(layer.agv.audio_weight, 0.7)
    shapes = ((4, 4), (2, 2))
    visual, audio = torch.randn(2, 20, 32), torch.randn(2, 5, 32)
    pos, reference = torch.randn(1, 20, 32), pixel_centres(shapes)
    got_visual, got_audio = layer(visual, audio, pos, reference, shapes)

    agv, vga = layer.agv, layer.vga
    attended = agv.self_attn(visual, visual, reference, shapes, pos)
    f_v = agv.norm1(visual + attended)
    f_agv = agv.norm2(f_v + 0.7 * by_hand(agv.cross_attn, f_v, audio))
    f_vga = by_hand(vga.cross_attn, audio, f_agv)
    f_vga = vga.norm2(audio + f_vga if residual else f_vga)
    torch.testing.assert_close(got_visual, f_agv)
    torch.testing.assert_close(got_audio, f_vga)


@pytest.mark.parametrize('options, start', [({}, 0), ({'audio_weight': 1}, 1)])
def test_audio_weight_is_one_learnable_scalar_a_layer(options, start):
    decoder = dict(num_layers=2, **options)
    neck = MODELS.build(dict(TINY, decoder=decoder))
    weights = [layer.agv.audio_weight for layer in neck.layers]
    assert [w.numel() for w in weights] == [1, 1]
    assert all(w.item() == start and w.requires_grad for w in weights)
    assert all(w.is_floating_point() for w in weights)


def test_from_zero_sound_is_let_in_by_the_weight_alone():
    """The first step moves w, and then the attention that it scales."""
    layer = BridgeLayer(32, num_heads=4, num_levels=2, num_points=3)
    shapes = ((4, 4), (2, 2))
    visual, audio = torch.randn(2, 20, 32), torch.randn(2, 5, 32)
    pos, reference = torch.randn(1, 20, 32), pixel_centres(shapes)
    heard = layer.eval()(visual, audio, pos, reference, shapes)[0]
    deaf = layer(visual, audio + 1, pos, reference, shapes)[0]
    assert torch.equal(heard, deaf)
    (heard * torch.randn_like(heard)).sum().backward()
    agv = layer.agv
    assert agv.audio_weight.grad != 0
    assert not agv.cross_attn.in_proj_weight.grad.any()
    torch.nn.init.constant_(agv.audio_weight, 0.1)  # w has moved
    layer(visual, audio, pos, reference, shapes)[0].square().sum().backward()
    assert agv.cross_attn.in_proj_weight.grad.any()


@pytest.mark.parametrize(
    'options, lowest, highest',
    [
        ({}, 0.1, 0.3),
        (dict(audio_weight=1), 0.05, 0.2),
        (dict(vga_residual=False), 0, 1e-6),
    ],
)
def test_six_layers_keep_tokens_apart(options, lowest, highest):
    """Eq. 3 to the letter leaves all tokens of sound equal at the start."""
    torch.manual_seed(0)
    neck = Config.fromfile(
        ROOT / 'configs/_base_/models/avsac_pvt.py'
    ).model.neck
    neck.decoder.update(options)
    neck = MODELS.build(neck).eval()
    neck.init_weights()
    sizes = zip((64, 128, 320, 512), (56, 28, 14, 7))  # of 224 px
    maps = tuple(torch.randn(1, c, size, size) for c, size in sizes)
    with torch.no_grad():
        tokens = neck(AVFeatures(maps, torch.randn(1, 128))).audio
    spread = (tokens - tokens.mean(1, keepdim=True)).norm() / tokens.norm()
    assert lowest <= spread <= highest


def test_what_leaves_the_neck():
    neck = MODELS.build(TINY).eval()
    features = random_features(3)
    out = neck(features)
    assert [tuple(x.shape) for x in out.visual] == [
        (3, 32, 16, 16),
        (3, 32, 8, 8),
        (3, 32, 4, 4),
        (3, 32, 2, 2),
    ]
    assert out.audio.shape == (3, 5, 32)
    f_a = neck.queries(neck.audio_proj(features))
    for aligned in out.aligned_audio:
        torch.testing.assert_close(aligned, f_a.mean(1))


@pytest.mark.parametrize('pixels, tokens', [(512, 5376), (224, 1029)])
def test_decoder_sizes_of_table_6(pixels, tokens):
    neck = MODELS.build(
        tiny(encoder=dict(num_layers=0), decoder=dict(num_layers=0))
    )
    maps = tuple(
        torch.zeros(1, c, pixels // s, pixels // s)
        for c, s in zip(CHANNELS, (4, 8, 16, 32))
    )
    assert neck.encoder(maps).tokens.shape[1] == tokens


# --------------------------------------------------------------- directions


@pytest.mark.parametrize(
    'direction, vision_hears, sound_sees',
    [
        ('both', True, True),
        ('a2v', True, False),
        ('v2a', False, True),
        ('none', False, False),
    ],
)
def test_direction_says_who_is_informed(direction, vision_hears, sound_sees):
    """Without the mixer, nothing but the bridges joins the modalities."""
    neck = MODELS.build(
        tiny(decoder=dict(direction=direction), mixer=False)
    ).eval()
    features = random_features(1)
    out = neck(features)
    other_sound = neck(features._replace(audio=torch.randn(1, 12)))
    other_sight = neck(
        features._replace(visual=tuple(x + 1 for x in features.visual))
    )
    heard = not torch.equal(out.visual[0], other_sound.visual[0])
    seen = not torch.equal(out.audio, other_sight.audio)
    assert (heard, seen) == (vision_hears, sound_sees)


def test_towers_without_audio_guidance():
    """Table 3, row 3: vision is deaf but refined, and sound sees it."""
    neck = MODELS.build(
        tiny(decoder=dict(audio_guidance=False), mixer=False)
    ).eval()
    features = random_features(1)
    out = neck(features)
    deaf = neck(features._replace(audio=torch.randn(1, 12)))
    assert torch.equal(out.visual[1], deaf.visual[1])
    alone = MODELS.build(
        tiny(decoder=dict(direction='v2a'), mixer=False)
    ).eval()
    alone.load_state_dict(neck.state_dict(), strict=False)
    assert not torch.equal(alone(features).visual[1], out.visual[1])


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(decoder=dict(direction='a2v')),
        dict(decoder=dict(direction='v2a')),
        dict(decoder=dict(direction='none')),
        dict(decoder=dict(audio_guidance=False)),
        dict(
            decoder=dict(
                vga_residual=True, vga_self_attention=True, ffn_channels=16
            )
        ),
        dict(
            queries=dict(generator='repeat'),
            mixer=False,
            encoder=dict(num_layers=0),
        ),
    ],
)
def test_every_parameter_learns(options):
    neck = MODELS.build(tiny(dropout=0.0, **options))
    head = MODELS.build(HEAD)
    both = torch.nn.ModuleList([neck, head])
    features = random_features(2)
    check_gradients(both, lambda: head(neck(features)).logits.square().mean())


# -------------------------------------------------------------- invariances


def test_frames_do_not_mix():
    neck, head = MODELS.build(TINY).eval(), MODELS.build(HEAD).eval()
    features = random_features(3)
    together = head(neck(features)).logits
    alone = AVFeatures(
        tuple(x[1:2] for x in features.visual), features.audio[1:2]
    )
    torch.testing.assert_close(
        head(neck(alone)).logits, together[1:2], rtol=1e-4, atol=1e-5
    )


def test_checkpointing_changes_nothing_but_memory():
    features, grads = random_features(2), []
    for with_cp in (False, True):
        torch.manual_seed(0)
        neck = MODELS.build(dict(TINY, with_cp=with_cp))
        neck.init_weights()
        torch.manual_seed(1)
        neck(features).audio.square().sum().backward()
        grads.append([p.grad for p in neck.parameters()])
    for plain, checkpointed in zip(*grads):
        assert (plain is None) == (checkpointed is None)
        if plain is not None:
            torch.testing.assert_close(plain, checkpointed)


def test_bfloat16():
    neck = MODELS.build(TINY).eval()
    neck.init_weights()
    features = random_features(2)
    expected = neck(features).visual[0]
    features = features._replace(
        visual=tuple(x.bfloat16() for x in features.visual),
        audio=features.audio.bfloat16(),
    )
    out = neck.bfloat16()(features).visual[0]
    assert (out - expected).norm() / expected.norm() < 0.05


def test_any_head_may_follow():
    neck = MODELS.build(tiny(decoder=dict(direction='a2v')))
    head = MODELS.build(dict(type='AVSFPNHead', in_channels=[32] * 4))
    out = head(neck(random_features(2)))
    assert out.logits.shape == (2, 1, 64, 64)
    # BEATs gives several tokens per frame
    assert neck(random_features(1, tokens=6)).audio.shape == (1, 5, 32)


# ------------------------------------------------------------ attention maps


def test_attention_maps_show_the_bridges():
    features = random_features(2)
    neck = MODELS.build(tiny(decoder=dict(num_layers=3))).eval()
    maps = neck.attention_maps(features)
    assert [tuple(m.shape) for m in maps] == [(2, 8, 8)] * 3
    one_way = MODELS.build(tiny(decoder=dict(direction='a2v'))).eval()
    lengths = one_way.attention_maps(features)
    torch.nn.init.zeros_(one_way.layers[1].agv.audio_weight)
    muted = one_way.attention_maps(features)
    assert torch.equal(muted[0], lengths[0]) and not muted[1].any()


def test_without_bridges_the_head_has_a_map():
    features = random_features(2)
    neck = MODELS.build(tiny(decoder=dict(direction='none'))).eval()
    assert neck.attention_maps(features) == ()
    out, head = neck(features), MODELS.build(HEAD)
    heat = head.attention_maps(out)
    products = torch.einsum('qd,dhw->qhw', out.audio[1], out.visual[0][1])
    expected = (products / 32**0.5).flatten(1).softmax(1).mean(0)
    torch.testing.assert_close(heat[1].flatten(), expected)
    torch.testing.assert_close(heat.sum((1, 2)), torch.ones(2))


def test_attention_of_sound_on_pixels_sums_to_one():
    layer = BridgeLayer(32, num_heads=4, num_levels=2, num_points=3).eval()
    shapes = ((4, 4), (2, 2))
    weights = layer.attention(
        torch.randn(2, 20, 32),
        torch.randn(2, 5, 32),
        torch.zeros(1, 20, 32),
        pixel_centres(shapes),
        shapes,
    )
    torch.testing.assert_close(weights.sum(1), torch.ones(2))


# ------------------------------------------------------------------- errors


def test_errors_name_what_does_not_fit():
    with pytest.raises(ValueError, match="direction must be.*'up'"):
        MODELS.build(tiny(decoder=dict(direction='up')))
    with pytest.raises(ValueError, match="direction='v2a'.*Fix"):
        towers = dict(direction='v2a', audio_guidance=False)
        MODELS.build(tiny(decoder=towers))
    with pytest.raises(ValueError, match='at least two maps'):
        MODELS.build(dict(TINY, in_channels=[8]))
    neck, features = MODELS.build(TINY), random_features(2)
    with pytest.raises(ValueError, match='3 seconds of sound.*2 frames'):
        neck(features._replace(audio=torch.randn(3, 12)))
    with pytest.raises(ValueError, match='multiples of 32'):
        odd = tuple(x[:, :, :-1] for x in features.visual)
        neck(features._replace(visual=odd))
    out = neck(features)
    for wrong in (dict(num_queries=6), dict(embed_dims=64)):
        head = MODELS.build(dict(HEAD, **wrong))
        with pytest.raises(ValueError, match='num_queries and embed_dims in'):
            head(out)
    head = MODELS.build(HEAD)
    with pytest.raises(ValueError, match="neck=dict.type='AVBridge'"):
        head(features)
    with pytest.raises(ValueError, match='for 2 frames and sound of shape'):
        head(out._replace(audio=out.audio[:1]))

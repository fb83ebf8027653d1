"""Exactness, invariances, loss and errors of AVSegFormerHead."""

import pytest
import torch
import torch.nn.functional as F

from mmavs.analysis.naive import naive_copy
from mmavs.models.layers.avsegformer import MaskComposer
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures
from mmavs.testing import check_gradients, labels_of

TINY = dict(
    type='AVSegFormerHead',
    in_channels=[16, 24, 40, 48],
    audio_channels=64,
    embed_dims=64,
    encoder=dict(num_layers=2, ffn_channels=128),
    queries=dict(num_queries=20, num_layers=2, ffn_channels=128),
    decoder=dict(num_layers=2, ffn_channels=128),
    composer=dict(mlp_channels=64),
)
DICE = dict(
    type='FrameDiceLoss',
    squared=True,
    smooth_nr=0.0,
    smooth_dr=0.002,
    skip_empty=False,
)
MIX = dict(DICE, loss_weight=0.1, loss_name='loss_mix')


def random_features(num_frames, size=4, tokens=None):
    visual = tuple(
        torch.randn(num_frames, c, size * 2**i, size * 2**i)
        for c, i in zip([16, 24, 40, 48], (3, 2, 1, 0))
    )
    shape = (num_frames, 64) if tokens is None else (num_frames, tokens, 64)
    return AVFeatures(visual, torch.randn(shape))


# -------------------------------------------------------- exact short cuts


def test_folded_mask_equals_the_formula():
    """Eq. 1 written out: product, MLP, sum, convolutions."""
    composer = MaskComposer(7, 32, 3, mlp_channels=24)
    feature, queries = torch.randn(2, 32, 6, 5), torch.randn(2, 7, 32)
    logits, fused = composer(feature, queries)
    product = torch.einsum('nqd,ndhw->nhwq', queries, feature)
    for linear in composer.mlp[:2]:
        product = linear(product).relu()
    expected = feature + composer.mlp[2](product).permute(0, 3, 1, 2)
    torch.testing.assert_close(fused, expected)
    up = torch.nn.Upsample(scale_factor=4, mode='bilinear')
    expected = up(composer.conv1(expected))
    expected = composer.conv_seg(composer.conv2(expected).relu())
    torch.testing.assert_close(logits, expected)


def test_attention_is_fused_in_training_too(monkeypatch):
    """No (queries, pixels) matrix of ours: PyTorch's kernel is asked."""
    asked = []
    fused = F.scaled_dot_product_attention

    def count(query, key, *args, **kwargs):
        asked.append((query.shape[-2], key.shape[-2]))
        return fused(query, key, *args, **kwargs)

    monkeypatch.setattr(F, 'scaled_dot_product_attention', count)
    head = MODELS.build(TINY)
    head(random_features(1))
    assert asked.count((20, 16 * 16 + 8 * 8 + 4 * 4)) == 2  # decoder layers
    assert asked.count((20, 20)) == 2 + 2  # and the generator's
    assert asked.count((20, 1)) == 2


def test_naive_arithmetic_gives_the_same():
    head = MODELS.build(TINY).eval()
    naive, changed = naive_copy(head)
    assert len(changed) == 2 + 4 + 4 + 2  # encoder, generator, decoder, mask
    features = random_features(2, tokens=3)
    torch.testing.assert_close(
        head(features).logits,
        naive(features).logits,
        rtol=1e-4,
        atol=1e-5,
    )


def test_checkpointing_changes_nothing_but_memory():
    features = random_features(2)
    grads = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        head = MODELS.build(dict(TINY, with_cp=with_cp, dropout=0.1))
        head.init_weights()
        torch.manual_seed(1)
        head(features).logits.square().mean().backward()
        grads.append([p.grad.clone() for p in head.parameters()])
    for without, with_cp in zip(*grads):
        torch.testing.assert_close(without, with_cp)


# -------------------------------------------------------------- invariances


def test_frames_do_not_mix():
    head = MODELS.build(TINY).eval()
    features = random_features(4)
    with torch.no_grad():
        together = head(features).logits
        for n in range(4):
            alone = AVFeatures(
                tuple(x[n : n + 1] for x in features.visual),
                features.audio[n : n + 1],
            )
            torch.testing.assert_close(
                head(alone).logits,
                together[n : n + 1],
                rtol=1e-4,
                atol=1e-5,
            )


def test_padded_frames_are_zero():
    head = MODELS.build(TINY).eval()
    features = random_features(2)._replace(valid=torch.tensor([True, False]))
    logits = head(features).logits
    assert logits[0].abs().max() > 0 and not logits[1].any()


def test_several_tokens_of_sound_and_several_sizes():
    head = MODELS.build(TINY).eval()
    assert head(random_features(1, tokens=6)).logits.shape[-1] == 128
    assert head(random_features(1, size=2)).logits.shape[-1] == 64


def test_every_parameter_learns():
    head = MODELS.build(TINY)
    features = random_features(2, size=2)
    check_gradients(head, lambda: head(features).logits.square().mean())


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    head = MODELS.build(TINY).eval()
    head.init_weights()
    features = random_features(1, size=2)
    with torch.no_grad():
        expected = head(features).logits
        features = features._replace(
            visual=tuple(x.to(dtype) for x in features.visual),
            audio=features.audio.to(dtype),
        )
        logits = head.to(dtype)(features).logits
    error = (logits.float() - expected).norm() / expected.norm()
    assert error < (0.05 if dtype is torch.bfloat16 else 0.005)


def test_attention_maps_hold_all_attention():
    head = MODELS.build(TINY).eval()
    features = random_features(3)
    maps = head.attention_maps(features)
    assert [tuple(m.shape) for m in maps] == [(3, 16, 16)] * 2
    pyramid = head.encoder(features.visual)
    queries = head.queries(head.audio_proj(features))
    weights = head.decoder.attention(queries, pyramid.tokens)
    for layer in weights:
        torch.testing.assert_close(layer.sum(1), torch.ones(3))


# --------------------------------------------------------- loss and errors


def test_mix_loss_of_a_batch_without_labels_is_zero_and_attached():
    head = MODELS.build(dict(TINY, loss_decode=DICE, loss_mix=MIX))
    output = head(random_features(2, size=2))
    losses = head.loss(output, labels_of([], []))
    assert sum(losses.values()).item() == 0
    sum(losses.values()).backward()


def test_errors_name_what_does_not_fit():
    with pytest.raises(ValueError, match='multiple of 32'):
        MODELS.build(dict(TINY, embed_dims=40))
    with pytest.raises(ValueError, match='num_heads=7'):
        MODELS.build(dict(TINY, num_heads=7))
    queries = dict(TINY['queries'], generator='magic')
    with pytest.raises(ValueError, match="generator must be.*'magic'"):
        MODELS.build(dict(TINY, queries=queries))
    queries = dict(TINY['queries'], generator='repeat', learnable=False)
    with pytest.raises(ValueError, match='all 20 queries equal'):
        MODELS.build(dict(TINY, queries=queries))
    with pytest.raises(TypeError, match="'encoder_layers'"):
        MODELS.build(dict(TINY, encoder_layers=2))
    with pytest.raises(TypeError, match="PyramidEncoder.*'layers'"):
        MODELS.build(dict(TINY, encoder=dict(layers=2)))
    head = MODELS.build(TINY)
    good = random_features(2, size=2)
    with pytest.raises(ValueError, match='3 maps.*in_channels'):
        head(good._replace(visual=good.visual[:3]))
    with pytest.raises(ValueError, match='3 seconds of sound.*2 frames'):
        head(good._replace(audio=torch.randn(3, 64)))
    with pytest.raises(ValueError, match='width 128.*audio_channels=64'):
        head(good._replace(audio=torch.randn(2, 128)))
    with pytest.raises(ValueError, match='no audio encoder'):
        head(good._replace(audio=None))
    odd = tuple(x[..., :-1] for x in good.visual)
    with pytest.raises(ValueError, match='multiples of 32'):
        head(good._replace(visual=odd))

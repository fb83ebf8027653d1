import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmavs.models.layers.audio_queries import AudioQueries
from mmavs.models.layers.mask_composer import MaskComposer
from mmavs.models.layers.mask_feature import CrossModalMixer
from mmavs.models.layers.pyramid_encoder import sine_positions
from mmavs.registry import MODELS
from mmavs.structures import (
    AVFeatures,
    AVHeadOutput,
    AVSDataSample,
    FramePixelData,
)
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)
from mmavs.testing.naive import naive_copy
from mmavs.utils.released import avsegformer

GOLDEN = dict(
    type='AVSegFormerHead',
    in_channels=[16, 24, 40, 48],
    audio_channels=64,
    embed_dims=64,
    num_queries=20,
    num_layers=2,
    encoder_layers=2,
    ffn_channels=128,
    query_layers=2,
    query_ffn_channels=128,
)
TINY = dict(GOLDEN, mlp_channels=64)
# released variant: recipe, prefix of the arrays, what our config calls it
VARIANTS = {
    'as shipped': ('head', 'head', {}),
    'five classes': ('head_5cls', 'head5', dict(num_classes=5)),
    'repeated sound': (
        'head_repeat',
        'head_repeatgen',
        dict(query_generator='repeat'),
    ),
    'neither mixer nor learnt queries': (
        'head_plain',
        'head_nofusion_nolearnable',
        dict(mixer=False, learnable_queries=False),
    ),
}


@pytest.fixture(scope='module')
def arrays():
    return load_arrays('avsegformer_units')


@pytest.fixture(scope='module')
def recipes():
    return load_json('avsegformer_units_recipes')


def released_head(recipe, **options):
    """A head with recipe weights whose audio projection is the identity."""
    weights = recipe_state_dict(recipe)
    weights = {f'head.{key}': value for key, value in weights.items()}
    if not options.get('learnable_queries', True):
        del weights['head.learnable_query.weight']  # built, never used
    head = MODELS.build(dict(GOLDEN, **options)).eval()
    weights = {
        key.removeprefix('decode_head.'): value
        for key, value in avsegformer.convert(weights).items()
    }
    weights['audio_proj.linear.weight'] = torch.eye(64)
    weights['audio_proj.linear.bias'] = torch.zeros(64)
    head.load_state_dict(weights)
    return head


def golden_features(arrays):
    visual = [torch.from_numpy(arrays[f'head_feat_{i}']) for i in range(4)]
    return AVFeatures(tuple(visual), torch.from_numpy(arrays['head_audio']))


def random_features(num_frames, size=4, tokens=None):
    visual = tuple(
        torch.randn(num_frames, c, size * 2**i, size * 2**i)
        for c, i in zip([16, 24, 40, 48], (3, 2, 1, 0))
    )
    shape = (num_frames, 64) if tokens is None else (num_frames, tokens, 64)
    return AVFeatures(visual, torch.randn(shape))


# ------------------------------------------------------------------- golden


@pytest.mark.parametrize('variant', VARIANTS)
def test_equals_released_code(arrays, recipes, variant):
    recipe, name, options = VARIANTS[variant]
    head = released_head(recipes[recipe], **options)
    with torch.no_grad():
        output = head(golden_features(arrays), num_frames=5)
    assert_close(output.logits, arrays[f'{name}_pred_mask'])


def test_every_step_equals_released_code(arrays, recipes):
    head = released_head(recipes['head'])
    features = golden_features(arrays)
    with torch.no_grad():
        sound = head.audio_proj(features)
        queries = head.queries(sound)
        pyramid = head.encoder(features.visual)
        decoded = head.decoder(queries, pyramid.tokens)
        feature = head.mask_feature(pyramid.fine, pyramid.maps()[0], sound)
        output = head(features, num_frames=5)
    assert_close(pyramid.pos, arrays['head_pos_embed'], 'positions')
    assert_close(queries, arrays['head_query_in'], 'queries')
    assert_close(pyramid.tokens, arrays['head_memory'], 'memory')
    assert_close(decoded, arrays['head_decoder_out_last'], 'decoder')
    assert_close(feature, arrays['head_mask_feature'], 'mask feature')
    mix = arrays['head_mask_feature'].mean(1, keepdims=True)
    assert_close(output.extras['mix'], mix, 'mix map')


def test_gradients_equal_released_code(arrays, recipes):
    head = released_head(recipes['head'])
    logits = head(golden_features(arrays), num_frames=5).logits
    (logits * randn(71920, *logits.shape)).sum().backward()
    expected = load_json('avsegformer_units')[
        'head_grad_abs_sum_of_params__loss_sum_pred_times_rn71920'
    ]
    # The records hold no tensors: name a marker of each and convert it.
    markers = {
        f'head.{key}': torch.tensor([float(value)])
        for key, value in expected.items()
        if value is not None
    }
    grads = dict(head.named_parameters())
    compared = 0
    for key, value in avsegformer.convert(markers).items():
        grad = grads[key.removeprefix('decode_head.')].grad
        total = grad.abs().double().sum().item()
        # The same network in float64 is up to 1.4e-3 from these float32
        # records: rounding turns ReLUs of the 2048-wide MLP on and off.
        assert total == pytest.approx(value.item(), rel=2e-3), key
        compared += 1
    assert compared == len(grads) - 2  # all but the audio projection


def test_query_generator_equals_released_code(arrays, recipes):
    queries = AudioQueries(
        20, 64, learnable=False, num_layers=2, ffn_channels=128
    )
    weights = recipe_state_dict(recipes['querygen'])
    queries.generator.load_state_dict(
        {key.replace('ffn.2', 'ffn.3'): v for key, v in weights.items()}
    )
    sound = torch.from_numpy(arrays['mixer_audio'])
    assert_close(queries(sound), arrays['querygen_out'])


def test_mixer_equals_released_code(arrays, recipes):
    mixer = CrossModalMixer(64)
    mixer.load_state_dict(recipe_state_dict(recipes['mixer']))
    x, audio = (
        torch.from_numpy(arrays[f'mixer_{name}']) for name in ('in', 'audio')
    )
    assert_close(mixer(x, audio), arrays['mixer_out'])
    # One frame alone, which the released code cannot do.
    torch.testing.assert_close(mixer(x[:1], audio[:1]), mixer(x, audio)[:1])


def test_sine_positions(arrays):
    expected = torch.from_numpy(arrays['pos_8x6_nf32'])[0].flatten(1).t()
    assert_close(sine_positions(8, 6, 64), expected.numpy())


# -------------------------------------------------------- exact short cuts


def test_folded_mask_equals_the_formula():
    """Eq. 1 written out: product, MLP, sum, convolutions."""
    composer = MaskComposer(7, 32, mlp_channels=24, out_channels=3)
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
    head(random_features(1), 1)
    assert asked.count((20, 16 * 16 + 8 * 8 + 4 * 4)) == 2  # decoder layers
    assert asked.count((20, 20)) == 2 + 2  # and the generator's
    assert asked.count((20, 1)) == 2


def test_naive_arithmetic_gives_the_same():
    head = MODELS.build(TINY).eval()
    naive, changed = naive_copy(head)
    assert len(changed) == 2 + 4 + 4 + 2  # encoder, generator, decoder, mask
    features = random_features(2, tokens=3)
    torch.testing.assert_close(
        head(features, 2).logits,
        naive(features, 2).logits,
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
        head(features, 2).logits.square().mean().backward()
        grads.append([p.grad.clone() for p in head.parameters()])
    for without, with_cp in zip(*grads):
        torch.testing.assert_close(without, with_cp)


# -------------------------------------------------------------- invariances


def test_frames_do_not_mix():
    head = MODELS.build(TINY).eval()
    features = random_features(4)
    with torch.no_grad():
        together = head(features, num_frames=4).logits
        for n in range(4):
            alone = AVFeatures(
                tuple(x[n : n + 1] for x in features.visual),
                features.audio[n : n + 1],
            )
            torch.testing.assert_close(
                head(alone, num_frames=1).logits,
                together[n : n + 1],
                rtol=1e-4,
                atol=1e-5,
            )


def test_padded_frames_are_zero():
    head = MODELS.build(TINY).eval()
    features = random_features(2)._replace(valid=torch.tensor([True, False]))
    logits = head(features, num_frames=2).logits
    assert logits[0].abs().max() > 0 and not logits[1].any()


def test_several_tokens_of_sound_and_several_sizes():
    head = MODELS.build(TINY).eval()
    assert head(random_features(1, tokens=6), 1).logits.shape[-1] == 128
    assert head(random_features(1, size=2), 1).logits.shape[-1] == 64


def test_every_parameter_learns():
    head = MODELS.build(TINY)
    features = random_features(2, size=2)
    check_gradients(head, lambda: head(features, 2).logits.square().mean())


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    head = MODELS.build(TINY).eval()
    head.init_weights()
    features = random_features(1, size=2)
    with torch.no_grad():
        expected = head(features, 1).logits
        features = features._replace(
            visual=tuple(x.to(dtype) for x in features.visual),
            audio=features.audio.to(dtype),
        )
        logits = head.to(dtype)(features, 1).logits
    error = (logits.float() - expected).norm() / expected.norm()
    assert error < (0.05 if dtype is torch.bfloat16 else 0.005)


def test_attention_maps_hold_all_attention():
    head = MODELS.build(TINY).eval()
    features = random_features(3)
    maps = head.attention_maps(features, 3)
    assert [tuple(m.shape) for m in maps] == [(3, 16, 16)] * 2
    pyramid = head.encoder(features.visual)
    queries = head.queries(head.audio_proj(features))
    weights = head.decoder.attention(queries, pyramid.tokens)
    for layer in weights:
        torch.testing.assert_close(layer.sum(1), torch.ones(3))


# --------------------------------------------------------------------- loss


def labelled_clip(mask):
    sample = AVSDataSample()
    sample.set_metainfo(dict(num_frames=len(mask), img_path=['-'] * len(mask)))
    sample.gt_sem_seg = FramePixelData(data=mask[:, None].long())
    return sample.frames()


DICE = dict(
    type='FrameDiceLoss',
    squared=True,
    smooth_nr=0.0,
    smooth_dr=0.002,
    skip_empty=False,
)
MIX = dict(DICE, loss_weight=0.1, loss_name='loss_mix')


@pytest.mark.parametrize('setting', ['ms3', 's4', 'avss'])
def test_losses_equal_released_code(arrays, setting):
    """Dice or cross-entropy of the logits and 0.1 Dice of the mix map."""
    golden = load_json('avsegformer_units')
    if setting == 'avss':
        logits = randn(75100, 20, 6, 32, 32, scale=2)
        mix = randn(75101, 20, 24, 8, 8)
        target = np.random.RandomState(75102).randint(0, 6, (20, 32, 32))
        target = target * (np.random.RandomState(75103).rand(20, 32, 32) > 0.5)
        target = torch.from_numpy(target)
        labeled = torch.tensor([0, *range(10, 20)])
        main, classes = dict(type='FrameCrossEntropyLoss'), 6
        expected = golden['avss']['parts']
    else:
        logits = randn(75000, 10, 1, 32, 32, scale=2)
        mix = randn(75001, 10, 24, 8, 8)
        target = np.random.RandomState(75002).rand(10, 1, 32, 32) > 0.6
        target = torch.from_numpy(target)[:, 0]
        target[3], target[7] = False, True
        labeled = torch.tensor([0, 5] if setting == 's4' else range(10))
        main, classes = DICE, 2
        expected = golden[f'{setting}_dice']['parts']
    head = MODELS.build(
        dict(TINY, num_classes=classes, loss_decode=main, loss_mix=MIX)
    )
    output = AVHeadOutput(
        logits, AVFeatures(()), {'mix': mix.mean(1, keepdim=True)}
    )
    losses = head.loss(output, labelled_clip(target[labeled]), labeled)
    values = [value.item() for value in losses.values()]
    assert list(losses)[1] == 'loss_mix'
    assert values == pytest.approx(
        [expected['iou_loss'], expected['mix_loss']], rel=1e-5
    )


def test_mix_loss_of_a_batch_without_labels_is_zero_and_attached():
    head = MODELS.build(dict(TINY, loss_decode=DICE, loss_mix=MIX))
    output = head(random_features(2, size=2), 2)
    losses = head.loss(output, [], torch.empty(0, dtype=torch.long))
    assert sum(losses.values()).item() == 0
    sum(losses.values()).backward()


# ------------------------------------------------------------------- errors


def test_errors_name_what_does_not_fit():
    with pytest.raises(ValueError, match='multiple of 32'):
        MODELS.build(dict(TINY, embed_dims=40))
    with pytest.raises(ValueError, match='num_heads=7'):
        MODELS.build(dict(TINY, num_heads=7))
    with pytest.raises(ValueError, match="query_generator must be.*'magic'"):
        MODELS.build(dict(TINY, query_generator='magic'))
    with pytest.raises(ValueError, match='all 20 queries equal'):
        MODELS.build(
            dict(TINY, query_generator='repeat', learnable_queries=False)
        )
    head = MODELS.build(TINY)
    good = random_features(2, size=2)
    with pytest.raises(ValueError, match='3 maps.*in_channels'):
        head(good._replace(visual=good.visual[:3]), 2)
    with pytest.raises(ValueError, match='3 seconds of sound.*2 frames'):
        head(good._replace(audio=torch.randn(3, 64)), 2)
    with pytest.raises(ValueError, match='width 128.*audio_channels=64'):
        head(good._replace(audio=torch.randn(2, 128)), 2)
    with pytest.raises(ValueError, match='no audio encoder'):
        head(good._replace(audio=None), 2)
    odd = tuple(x[..., :-1] for x in good.visual)
    with pytest.raises(ValueError, match='multiples of 32'):
        head(good._replace(visual=odd), 2)

"""AVSegFormerHead equals the released code at equal weights."""

import numpy as np
import pytest
import torch

from mmavs.models.layers.avsegformer import AudioQueries, CrossModalMixer
from mmavs.models.layers.positions import sine_positions
from mmavs.registry import MODELS
from mmavs.structures import (
    AVFeatures,
    AVHeadOutput,
    AVSDataSample,
    FramePixelData,
)
from mmavs.testing import labels_of
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)
from mmavs.weights.released import avsegformer

GOLDEN = dict(
    type='AVSegFormerHead',
    in_channels=[16, 24, 40, 48],
    audio_channels=64,
    embed_dims=64,
    encoder=dict(num_layers=2, ffn_channels=128),
    queries=dict(num_queries=20, num_layers=2, ffn_channels=128),
    decoder=dict(num_layers=2, ffn_channels=128),
)
# released variant: recipe, prefix of the arrays, what our config calls it
VARIANTS = {
    'as shipped': ('head', 'head', {}),
    'five classes': ('head_5cls', 'head5', dict(num_classes=5)),
    'repeated sound': (
        'head_repeat',
        'head_repeatgen',
        dict(queries=dict(GOLDEN['queries'], generator='repeat')),
    ),
    'neither mixer nor learnt queries': (
        'head_plain',
        'head_nofusion_nolearnable',
        dict(mixer=False, queries=dict(GOLDEN['queries'], learnable=False)),
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
    if not options.get('queries', {}).get('learnable', True):
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


@pytest.mark.parametrize('variant', VARIANTS)
def test_equals_released_code(arrays, recipes, variant):
    recipe, name, options = VARIANTS[variant]
    head = released_head(recipes[recipe], **options)
    with torch.no_grad():
        output = head(golden_features(arrays))
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
        output = head(features)
    assert_close(pyramid.pos, arrays['head_pos_embed'], 'positions')
    assert_close(queries, arrays['head_query_in'], 'queries')
    assert_close(pyramid.tokens, arrays['head_memory'], 'memory')
    assert_close(decoded, arrays['head_decoder_out_last'], 'decoder')
    assert_close(feature, arrays['head_mask_feature'], 'mask feature')
    mix = arrays['head_mask_feature'].mean(1, keepdims=True)
    assert_close(output.extras['mix'], mix, 'mix map')


def test_gradients_equal_released_code(arrays, recipes):
    head = released_head(recipes['head'])
    logits = head(golden_features(arrays)).logits
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
        64, num_queries=20, learnable=False, num_layers=2, ffn_channels=128
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
        dict(GOLDEN, num_classes=classes, loss_decode=main, loss_mix=MIX)
    )
    output = AVHeadOutput(
        logits, AVFeatures(()), {'mix': mix.mean(1, keepdim=True)}
    )
    losses = head.loss(
        output, labels_of(labelled_clip(target[labeled]), labeled)
    )
    values = [value.item() for value in losses.values()]
    assert list(losses)[1] == 'loss_mix'
    assert values == pytest.approx(
        [expected['iou_loss'], expected['mix_loss']], rel=1e-5
    )

import numpy as np
import pytest
import torch

from mmavs.audio.fbank import fbank_of_segments
from mmavs.models.audio_encoders import BEATs
from mmavs.models.layers import beats_encoder
from mmavs.registry import MODELS
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    recipe_state_dict,
)
from mmavs.weights.released import beats

UNITS, META = load_arrays('beats_units'), load_json('beats_units')
RECIPES = load_json('beats_units_recipes')
VARIANTS = [
    'tiny',
    'tiny_prenorm',
    'tiny_samewidth',
    'tiny_norelpos',
    'iter3_width_2layers',
]


def released_file(name: str) -> dict:
    """A variant as its authors would have saved it."""
    if name == 'tiny_cls':
        cfg = dict(META['tiny_cfg'], finetuned_model=True, predictor_class=11)
    else:
        cfg = META[f'{name}_cfg']
    return dict(cfg=cfg, model=recipe_state_dict(RECIPES[name]))


def options(cfg: dict) -> dict:
    """What BEATs takes for a released configuration."""
    architecture = beats.arguments(cfg)
    categories = architecture.pop('num_categories')
    return dict(architecture=architecture, num_categories=categories)


def build(name: str, **settings) -> BEATs:
    file = released_file(name)
    encoder = BEATs(**{**options(file['cfg']), **settings})
    encoder.load_state_dict(encoder.adapt(file))
    return encoder


@pytest.fixture(scope='module')
def waveform() -> torch.Tensor:
    return torch.from_numpy(UNITS['wave_i16'].astype(np.float32)) / 32768


@pytest.fixture(scope='module')
def padded(waveform) -> tuple:
    """Clip 1 is silent and padding after sample 10000."""
    padding = torch.zeros(waveform.shape, dtype=torch.bool)
    padding[1, 10000:] = True
    return waveform.masked_fill(padding, 0), padding


@pytest.mark.parametrize('name', VARIANTS)
def test_outputs_equal_the_released_ones(name, waveform, padded):
    encoder = build(name, waveform_in=True)
    assert_close(encoder(waveform), UNITS[f'{name}_out'], name)
    tokens = encoder.tokens(*padded)
    assert_close(tokens, UNITS[f'{name}_padded_out'], f'{name} padded')
    total = sum(p.numel() for p in encoder.parameters())
    assert total == META[f'{name}_params']


def test_steps_inside_equal_the_released_ones(waveform):
    encoder = build('tiny')
    fbank = fbank_of_segments(waveform)
    patches = encoder.patch_embedding(fbank[:, None])
    patches = encoder.layer_norm(patches.flatten(2).transpose(1, 2))
    assert_close(patches, UNITS['tiny_patch_tokens_after_layer_norm'])
    x = encoder.encoder.add_positions(encoder.post_extract_proj(patches), None)
    assert_close(x, UNITS['tiny_after_pos_conv_and_layer_norm'])
    layer = encoder.encoder.layers[0]
    bias = layer.self_attn.position_bias(48)
    assert_close(bias, UNITS['tiny_relative_bias'])
    assert_close(layer(x, bias, None), UNITS['tiny_layer0'])


def test_categories_equal_the_released_ones(waveform, padded):
    encoder = build('tiny_cls', waveform_in=True)
    probabilities = encoder.categories(waveform)
    assert_close(probabilities, UNITS['tiny_cls_probs'])
    # Here, unlike elsewhere, the golden run masks without silencing.
    masked = encoder.categories(waveform, padded[1])
    assert_close(masked, UNITS['tiny_cls_probs_padded'])


def test_token_padding_as_released(padded):
    _, padding = padded
    released = build('tiny')._pad_tokens(padding, 98, 8)
    expected = UNITS['tiny_token_padding_mask']
    np.testing.assert_array_equal(released.numpy(), expected)


@pytest.mark.parametrize(
    'name, categories',
    [('iter3_pretrained', None), ('iter3_finetuned_as2m', 527)],
)
def test_keys_and_size_are_the_released_ones(name, categories):
    keys = load_json(f'keys_beats_{name}')
    with torch.device('meta'):
        encoder = BEATs(num_categories=categories)
    shapes = {k: list(v.shape) for k, v in encoder.state_dict().items()}
    assert shapes == keys['state_dict']
    total = sum(p.numel() for p in encoder.parameters())
    assert total == keys['total_params']
    arguments = beats.arguments(keys['cfg'])
    assert arguments == encoder.architecture


def test_token_counts_follow_the_released_table():
    encoder = build('tiny', waveform_in=True)
    for samples, (_, _, tokens) in META['wave_length_to_tokens'].items():
        if int(samples) <= 32000:
            out = encoder(torch.zeros(1, int(samples)))
            assert out.shape == (1, tokens, 64), samples


def test_pooled_output_is_the_mean_of_tokens(waveform):
    fbank = fbank_of_segments(waveform)
    tokens, pooled = build('tiny')(fbank), build('tiny', pool='mean')(fbank)
    assert pooled.shape == (2, 64)
    torch.testing.assert_close(pooled, tokens.mean(1))


def test_half_precision_stays_close(waveform):
    encoder, fbank = build('tiny'), fbank_of_segments(waveform)
    with torch.autocast('cpu', torch.bfloat16):
        half = encoder(fbank)
    torch.testing.assert_close(
        half.float(), encoder(fbank), rtol=0.1, atol=0.1
    )


def test_frozen_means_frozen(waveform):
    encoder = build('tiny', waveform_in=True)
    assert not encoder.train().training
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not encoder(waveform).requires_grad


@pytest.mark.parametrize('name', ['tiny_cls', 'tiny_prenorm', 'tiny_norelpos'])
def test_trainable_gets_gradients(name, waveform):
    encoder = build(name, frozen=False, waveform_in=True)
    head = encoder.categories if name == 'tiny_cls' else encoder
    check_gradients(encoder, lambda: head(waveform).square().sum())


def test_gradients_decay_by_layer(waveform, monkeypatch):
    fbank, grads = fbank_of_segments(waveform), []
    for ratio in (1.0, beats_encoder.GRADIENT_DECAY):
        monkeypatch.setattr(beats_encoder, 'GRADIENT_DECAY', ratio)
        encoder = build('tiny', frozen=False)
        encoder(fbank).square().sum().backward()
        grads.append(encoder.patch_embedding.weight.grad)
    torch.testing.assert_close(grads[1], grads[0] * 0.36)  # two layers


def test_buckets_equal_the_released_table():
    ours = beats_encoder.relative_buckets(torch.arange(-1000, 1001), 320, 800)
    expected = UNITS['iter3_bucket_of_relative_position_minus1000_to_1000']
    np.testing.assert_array_equal(ours.numpy(), expected)


# ------------------------------------------------------------------- files


def build_from(path, **settings):
    encoder = MODELS.build(
        dict(
            type='BEATs',
            init_cfg=dict(type='Pretrained', checkpoint=str(path)),
            **{**options(META['tiny_cfg']), **settings},
        )
    )
    encoder.init_weights()
    return encoder


def test_released_file_loads_by_init_cfg(tmp_path, waveform):
    torch.save(released_file('tiny'), tmp_path / 'BEATs.pt')
    encoder = build_from(tmp_path / 'BEATs.pt', waveform_in=True)
    assert_close(encoder(waveform), UNITS['tiny_out'])


def test_own_checkpoint_loads_by_prefix(tmp_path, waveform):
    weights = beats.convert(released_file('tiny'))
    torch.save(dict(state_dict=weights), tmp_path / 'own.pth')
    encoder = BEATs(
        **options(META['tiny_cfg']),
        waveform_in=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint=str(tmp_path / 'own.pth'),
            prefix='audio_encoder.',
        ),
    )
    encoder.init_weights()
    assert_close(encoder(waveform), UNITS['tiny_out'])


def test_fine_tuned_file_without_its_classifier(tmp_path, waveform):
    torch.save(released_file('tiny_cls'), tmp_path / 'BEATs.pt')
    encoder = build_from(tmp_path / 'BEATs.pt')
    assert encoder.predictor is None
    with pytest.raises(RuntimeError, match='num_categories=527'):
        encoder.categories(torch.zeros(1, 98, 128))


def changed(**settings) -> dict:
    """The tiny variant's architecture with other numbers."""
    tiny = options(META['tiny_cfg'])['architecture']
    return dict(architecture={**tiny, **settings})


@pytest.mark.parametrize(
    'settings, message',
    [
        (changed(num_layers=3), r'num_layers=2 \(not 3\)'),
        (changed(pre_norm=True, deep_norm=False), 'deep_norm=True.*pre_norm'),
        (dict(num_categories=11), r'num_categories=None \(not 11\)'),
    ],
)
def test_a_file_of_another_configuration_is_named(tmp_path, settings, message):
    torch.save(released_file('tiny'), tmp_path / 'BEATs.pt')
    with pytest.raises(RuntimeError, match=message) as caught:
        build_from(tmp_path / 'BEATs.pt', **settings)
    assert 'BEATs.pt' in str(caught.value) and 'Fix' in str(caught.value)


def test_a_file_of_another_model_is_named(tmp_path):
    torch.save({'conv1.weight': torch.zeros(1)}, tmp_path / 'resnet.pth')
    with pytest.raises(RuntimeError, match='resnet.pth.*conv1.weight'):
        build_from(tmp_path / 'resnet.pth')


def test_shared_bias_is_filled_in_where_a_file_names_it_once():
    file = released_file('tiny')
    del file['model'][
        'encoder.layers.1.self_attn.relative_attention_bias.weight'
    ]
    encoder = BEATs(**options(file['cfg']))
    encoder.load_state_dict(encoder.adapt(file))
    first, second = (x.self_attn for x in encoder.encoder.layers)
    assert first.relative_attention_bias is second.relative_attention_bias


def test_other_activations_are_refused():
    with pytest.raises(ValueError, match="'glu'.*GELU"):
        beats.arguments(dict(META['tiny_cfg'], activation_fn='glu'))


def test_sound_shorter_than_one_analysis_window():
    encoder = build('tiny', waveform_in=True)
    with pytest.raises(ValueError, match='analysis window.*2800 samples'):
        encoder(torch.zeros(1, 2799))
    assert encoder(torch.zeros(1, 2800)).shape == (1, 8, 64)
    with pytest.raises(ValueError, match='25 ms'):
        encoder(torch.zeros(1, 399))


def test_unknown_options():
    with pytest.raises(ValueError, match='must be'):
        BEATs(pool='max')
    with pytest.raises(TypeError, match="'depth'"):
        BEATs(architecture=dict(depth=2))

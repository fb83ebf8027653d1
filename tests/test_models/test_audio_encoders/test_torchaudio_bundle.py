import pytest
import torch
from torchaudio import pipelines
from torchaudio.pipelines._wav2vec2 import utils as bundle_utils

from mmavs.models.audio_encoders import TorchaudioBundleEncoder
from mmavs.registry import MODELS
from mmavs.testing import check_gradients

TINY = dict(
    extractor_mode='group_norm',
    extractor_conv_layer_config=[(8, 10, 5), (8, 8, 4), (8, 8, 16)],
    extractor_conv_bias=False,
    encoder_embed_dim=16,
    encoder_projection_dropout=0.0,
    encoder_pos_conv_kernel=8,
    encoder_pos_conv_groups=2,
    encoder_num_layers=3,
    encoder_num_heads=2,
    encoder_attention_dropout=0.0,
    encoder_ff_interm_features=32,
    encoder_ff_interm_dropout=0.0,
    encoder_dropout=0.0,
    encoder_layer_norm_first=False,
    encoder_layer_drop=0.0,
    aux_num_out=29,
)


@pytest.fixture(params=[False, True], ids=['raw', 'normalised'])
def tiny(request, monkeypatch):
    """A small bundle among torchaudio's."""
    bundle = pipelines.Wav2Vec2Bundle(
        'tiny.pth', TINY, 16000, request.param, 'Wav2Vec2'
    )
    monkeypatch.setattr(pipelines, 'TINY', bundle, raising=False)
    return 'TINY'


def build(bundle, **settings):
    return MODELS.build(
        dict(type='TorchaudioBundleEncoder', bundle=bundle, **settings)
    )


def test_shapes(tiny):
    audio = torch.randn(3, 16000) * 0.1
    encoder = build(tiny)
    tokens = encoder(audio)
    assert tokens.shape[0] == 3 and tokens.shape[2] == 16
    assert encoder.out_channels == 16
    pooled = build(tiny, pool='mean')
    pooled.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(pooled(audio), tokens.mean(1))


def test_frames_do_not_see_each_other(tiny):
    encoder = build(tiny)
    audio = torch.randn(3, 16000) * torch.tensor([[0.01], [0.1], [1.0]])
    together = encoder(audio)
    alone = torch.cat([encoder(second[None]) for second in audio])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_gradients_and_freezing(tiny):
    audio = torch.randn(2, 16000) * 0.1
    frozen = build(tiny).train()
    assert not frozen.training and not frozen(audio).requires_grad
    encoder = build(tiny, frozen=False)
    check_gradients(encoder, lambda: encoder(audio).square().sum())


@pytest.mark.parametrize('num_layers', [None, 2])
def test_weights_are_downloaded_safely(tiny, monkeypatch, num_layers):
    published = build(tiny, frozen=False).model
    file = {**published.state_dict(), 'aux.weight': torch.zeros(29, 16)}
    calls = []

    def download(url, **settings):
        calls.append((url, settings))
        return dict(file)

    monkeypatch.setattr(bundle_utils, 'load_state_dict_from_url', download)
    encoder = build(
        tiny,
        num_layers=num_layers,
        init_cfg=dict(type='Pretrained', checkpoint=f'torchaudio://{tiny}'),
    )
    encoder.init_weights()
    ((url, settings),) = calls
    assert url.endswith('tiny.pth') and settings['weights_only'] is True
    audio = torch.randn(1, 16000) * 0.1
    if encoder.normalize_waveform:
        scaled = torch.nn.functional.layer_norm(audio, (16000,))
    else:
        scaled = audio
    layers, _ = published.eval().extract_features(scaled)
    expected = layers[(num_layers or 3) - 1]
    torch.testing.assert_close(encoder(audio), expected.detach())


def test_unknown_names_and_depths(tiny):
    with pytest.raises(ValueError, match='not a speech bundle.*HUBERT_BASE'):
        build('VGGISH')
    with pytest.raises(ValueError, match='3 layers, got num_layers=4'):
        build(tiny, num_layers=4)
    with pytest.raises(ValueError, match='pool'):
        build(tiny, pool='max')


def test_published_bundles_have_what_is_needed():
    with torch.device('meta'):
        for name, channels in (('WAV2VEC2_BASE', 768), ('HUBERT_BASE', 768)):
            encoder = TorchaudioBundleEncoder(name)
            assert encoder.out_channels == channels
            total = sum(p.numel() for p in encoder.parameters())
            assert 94e6 < total < 95e6

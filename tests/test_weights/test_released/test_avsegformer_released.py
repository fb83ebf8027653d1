"""Full-size AVSegFormer, backbone and sound included, against released code.

Weights come from a recipe under released keys and pass the converter.
"""

import pytest
import torch

from mmavs.registry import MODELS
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)
from mmavs.weights.released import avsegformer


def build(setting, audio_encoder):
    """The network of configs/avsegformer with recipe weights."""
    num_classes = 71 if setting == 'avss' else 2
    model = MODELS.build(
        dict(
            type='AVSegmentor',
            backbone=dict(type='PyramidVisionTransformerV2', variant='b5'),
            audio_encoder=audio_encoder,
            decode_head=dict(
                type='AVSegFormerHead',
                in_channels=[64, 128, 320, 512],
                num_classes=num_classes,
            ),
        )
    )
    recipe = load_json(f'recipe_avsegformer_{setting}_pvt')['tensors']
    if audio_encoder is None:  # 72 M weights less to draw
        recipe = [r for r in recipe if not r['key'].startswith('vggish.')]
    model.load_state_dict(avsegformer.convert(recipe_state_dict(recipe)))
    return model.eval()


@torch.no_grad()
def test_ms3_equals_released_code():
    model = build('ms3', dict(type='VGGish'))
    assert sum(p.numel() for p in model.parameters()) == 183_951_296
    log_mel = load_arrays('audio_frontend')['mono16k_5s__logmel_f32']
    inputs = dict(
        imgs=randn(82900, 5, 3, 64, 64)[None],
        audio=torch.from_numpy(log_mel)[None, :, None],
    )
    golden = load_arrays('avsegformer_model_ms3_pvt')
    assert_close(model.encode_decode(inputs).logits, golden['pred'])


@torch.no_grad()
def test_avss_equals_released_code():
    """Two clips, the first with five of its ten frames padded."""
    model = build('avss', None)
    model.audio_encoder = torch.nn.Identity()
    imgs = randn(86900, 20, 3, 64, 64)
    imgs[5:10] = 0
    golden = load_arrays('avsegformer_model_avss_pvt')
    inputs = dict(
        imgs=imgs.unflatten(0, (2, 10)),
        audio=torch.from_numpy(golden['audio_embedding_20x128']).view(
            2, 10, 128
        ),
        valid_frames=torch.from_numpy(golden['flag']).bool().view(2, 10),
    )
    logits = model.encode_decode(inputs).logits
    assert_close(logits[..., ::8, ::8], golden['pred_stride8'])
    sure = golden['top2_margin_stride4_f16'] > 1e-3
    labels = logits.argmax(1)[:, ::4, ::4].numpy()
    expected = golden['pred_argmax_u8'][:, ::4, ::4]
    assert sure.mean() > 0.7 and (labels == expected)[sure].all()
    assert not logits[5:10].any()


def test_resnet_keys_and_shapes():
    """Without tensors of full size: shapes of one, keys of the other."""
    keys = load_json('keys_avsegformer_ms3_res')['state_dict']
    weights = {
        f'module.{key}': torch.empty(shape, device='meta')
        for key, shape in keys.items()
    }
    converted = avsegformer.convert(weights)
    with torch.device('meta'):
        model = MODELS.build(
            dict(
                type='AVSegmentor',
                backbone=dict(type='ResNet', depth=50),
                audio_encoder=dict(type='VGGish'),
                decode_head=dict(
                    type='AVSegFormerHead',
                    in_channels=[256, 512, 1024, 2048],
                ),
            )
        )
    ours = model.state_dict()
    assert {k: v.shape for k, v in converted.items()} == {
        k: v.shape for k, v in ours.items()
    }


def test_foreign_keys_are_named():
    with pytest.raises(ValueError, match=r'not of an AVSegFormer.*head\.pony'):
        avsegformer.convert({'head.pony': torch.zeros(1)})

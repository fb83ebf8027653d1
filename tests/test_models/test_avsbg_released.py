"""Full-size AVS-BG against its released code, and what its configs build.

Weights come from a recipe under released keys and pass the converter.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmavs.registry import MODELS
from mmavs.structures import AVSDataSample, FramePixelData, LabeledFrames
from mmavs.testing import check_gradients
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)
from mmavs.testing.meta import OnMeta
from mmavs.weights.released import avsbg

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'

collect = LabeledFrames.collect


def model_config(name, **changes):
    config = Config.fromfile(CONFIGS / f'{name}.py')
    config.merge_from_dict(changes)
    config.model.backbone.init_cfg = None
    return config.model


def clip(masks, labeled):
    """One clip of (T, 1, H, W) masks."""
    target = torch.full_like(masks, 255).long()
    target[labeled] = masks[labeled].long()
    meta = dict(labeled_frames=labeled, num_frames=len(masks))
    meta['img_path'] = ['frame'] * len(masks)
    sample = AVSDataSample(metainfo=meta)
    sample.gt_sem_seg = FramePixelData(data=target)
    return sample


def released_model(name):
    model = MODELS.build(model_config(name, **{'model.audio_encoder': None}))
    model.audio_encoder = torch.nn.Identity()  # embeddings come as they are
    recipe = recipe_state_dict(load_json('recipe_avsbg_pvt_basic'))
    model.load_state_dict(avsbg.convert(recipe))
    return model.eval()


@torch.no_grad()
def test_full_model_equals_released_code():
    model = released_model('avsbg/avsbg_pvt_ms3')
    golden = load_arrays('avsbg_model_pvt_basic')
    figures = load_json('avsbg_model_pvt_basic')
    embedding = load_arrays('vggish_outputs')['embedding_f32'][:5]
    inputs = dict(
        imgs=randn(97900, 5, 3, 224, 224)[None],
        audio=torch.from_numpy(embedding)[None],
    )
    stages = [model.encode(inputs)]
    for neck in model.neck:
        stages.append(neck(stages[-1]))
    fused = stages[2]  # behind AVCorrelation, before MotionCorrelation
    assert_close(fused.visual[3], golden['fused_3'])
    assert_close(fused.visual[2][0], golden['fused_2_frame0'])
    assert_close(fused.aligned_audio[0].T[None], golden['audio_0_BCT'])
    for level, expected in zip(fused.visual, figures['fused']):
        total = float(level.double().abs().sum())
        assert total == pytest.approx(expected['abs_sum'], rel=1e-5)
    output = model.decode_head(stages[-1])
    assert_close(output.logits[..., ::2, ::2], golden['pred_stride2'])

    masks = np.random.RandomState(97901).rand(5, 1, 224, 224) > 0.5
    masks[:, :, :100] = False
    sample = clip(torch.from_numpy(masks), list(range(5)))
    loss = model.auxiliary_losses[0]
    for setting, mask in (('MS3', 'ground_truth'), ('S4', 'predicted')):
        loss.mask = mask
        labels = collect([sample], 5)
        (value,) = loss(stages[-1], output.logits, labels).values()
        expected = figures[f'latent_loss_{setting}']
        assert float(value) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    'name, parameters, released',
    [
        ('pvt', 85_187_579, 85_499_515),
        ('r50', 27_613_051, 27_924_987),
    ],
)
def test_live_parameters(name, parameters, released):
    """Counts besides VGGish; 0.31 M of the released code is never used."""
    with OnMeta():
        model = MODELS.build(
            model_config(
                f'avsbg/avsbg_{name}_ms3', **{'model.audio_encoder': None}
            )
        )
    live = sum(p.numel() for p in model.parameters())
    assert live == parameters == released - 311_936


def small(name, **changes):
    """A config's model on PVT-v2-b0 with LogMelCNN, for frames of 64 px."""
    neck = {'neck.0.in_channels': [32, 64, 160, 256]}
    sound = dict(_delete_=True, type='LogMelCNN', out_channels=128)
    changes = {
        'backbone.variant': 'b0',
        'audio_encoder': sound,
        'auxiliary_losses.0.feature_size': 2,
        **neck,
        **changes,
    }
    return MODELS.build(
        model_config(name, **{f'model.{k}': v for k, v in changes.items()})
    )


def losses_of(model, num_clips=2, labeled=(0, 1, 2), size=64):
    """Losses of clips of three frames, without randomness in the model."""
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    inputs = dict(
        imgs=draw(num_clips, 3, 3, size, size),
        audio=draw(num_clips, 3, 1, 96, 64),
    )
    masks = draw(num_clips, 3, 1, size, size) > 0.5
    return model.loss(inputs, [clip(m, list(labeled)) for m in masks])


@pytest.mark.parametrize(
    'setting, labeled', [('ms3', (0, 1, 2)), ('s4', (0,))]
)
def test_every_parameter_gets_a_gradient(setting, labeled):
    model = small(f'avsbg/avsbg_pvt_{setting}')
    model.backbone.requires_grad_(False)  # tested with the backbone
    check_gradients(
        model, lambda: sum(losses_of(model, labeled=labeled).values())
    )


def test_losses_of_both_settings():
    names = losses_of(small('avsbg/avsbg_pvt_ms3')).keys()
    assert set(names) == {
        'decode.loss_structure',
        'loss_visual_to_audio',
        'loss_avm',
    }
    names = losses_of(small('avsbg/avsbg_pvt_s4'), labeled=(0,)).keys()
    assert set(names) == {'decode.loss_structure', 'loss_visual_to_audio'}


@pytest.mark.parametrize(
    'dtype, num_clips, size',
    [
        (torch.bfloat16, 2, 64),
        (torch.float16, 1, 32),  # whose convolutions are slow on a CPU
    ],
)
def test_half_precision(dtype, num_clips, size):
    given = {'auxiliary_losses.0.feature_size': size // 32}
    model = small('avsbg/avsbg_pvt_ms3', **given).eval()
    exact = losses_of(model, num_clips, size=size)
    with torch.autocast('cpu', dtype):
        half = losses_of(model, num_clips, size=size)
    for name, value in exact.items():
        assert half[name].dtype == torch.float32
        torch.testing.assert_close(half[name], value, rtol=0.03, atol=0.03)
    sum(half.values()).backward()
    assert all(
        torch.isfinite(p.grad).all()
        for p in model.parameters()
        if p.grad is not None
    )


# One field each; the README's tables are made of them.
ABLATIONS = {
    'eta': {'auxiliary_losses.0.loss_weight': 0.5},
    'without_generation': {'auxiliary_losses.0.loss_weight': 0},
    'without_motion': {'neck.2.stages': []},
    'without_audio': {'neck.1.stages': []},
    'literal_equation': {'neck.1.correlation': 'sum'},
    'bce': {'decode_head.loss_decode.type': 'FrameBCELoss'},
    'f3net': {'decode_head.loss_decode.weighted_bce': True},
    'probabilities': {'auxiliary_losses.0.sigmoid': True},
    'aspp': {'neck.0.type': 'DilatedSumNeck', 'neck.0.bias': False},
}


@pytest.mark.parametrize('name', ABLATIONS)
def test_ablations_by_one_field(name):
    losses = losses_of(small('avsbg/avsbg_pvt_ms3', **ABLATIONS[name]))
    main = 'loss_bce' if name == 'bce' else 'loss_structure'
    assert float(losses[f'decode.{main}'].detach()) > 0
    generation = float(losses['loss_visual_to_audio'].detach())
    assert (generation == 0) == (name == 'without_generation')
    mapping = float(losses['loss_avm'].detach())
    assert (mapping == 0) == (name == 'without_audio')
    assert all(torch.isfinite(value) for value in losses.values())


def test_without_any_sound():
    """Table 3, "w/o audio", and without running the sound encoder."""
    model = small(
        'avsbg/avsbg_pvt_ms3',
        **{
            'neck.1.stages': [],
            'neck.2.stages': [],
            'auxiliary_losses.0.loss_weight': 0,
        },
    )
    model.audio_encoder = None
    losses = losses_of(model)
    assert float(losses.pop('decode.loss_structure').detach()) > 0
    assert all(float(value.detach()) == 0 for value in losses.values())
    parts = {name.split('.')[0] for name, _ in model.named_parameters()}
    assert parts == {'backbone', 'neck', 'decode_head'}


@pytest.mark.parametrize('setting', ['s4', 'ms3'])
def test_generation_on_the_baseline(setting):
    """Table 5, "AVSBench with BG"."""
    model = small(f'tpavi/tpavi_pvt_{setting}_bg', **{'neck.1.window': 3})
    model.backbone.requires_grad_(False)
    semi = setting == 's4'
    losses = losses_of(model, labeled=(0,) if semi else (0, 1, 2))
    expected = {'decode.loss_bce', 'loss_visual_to_audio'}
    assert set(losses) == expected | (set() if semi else {'loss_avm'})
    losses['loss_visual_to_audio'].backward()
    used = {
        name.split('.')[0]
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    # the predicted mask sends a gradient to the decoder, the true one cannot
    decoder = {'decode_head'} if semi else set()
    assert used == {'neck', 'auxiliary_losses', 'audio_encoder'} | decoder

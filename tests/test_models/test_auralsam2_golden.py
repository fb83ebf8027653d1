"""AuralSAM2 against its released code, at equal weights."""

import pytest
import torch
import torch.nn.functional as F
from auralsam2_network import build, features, permutations
from run_tool import run_tool

from mmavs.apis import init_model
from mmavs.models.layers.positions import map_positions
from mmavs.models.layers.sam2_mask_decoder import Residuals
from mmavs.models.losses import AudioVisualContrastiveLoss, SAM2MaskLoss
from mmavs.structures import AVFeatures, LabeledFrames
from mmavs.testing.golden import (
    assert_close,
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)

pytest.importorskip('timm')


@pytest.fixture(scope='module')
def parts():
    """Fuser and decoder, without trunk and VGGish."""
    names = ('patch_embeds', 'f_blocks', 'a_blocks', 'fusion', 'smooth')
    return build(
        *(f'aural_fuser.{name}' for name in names),
        *(f'v_model.{name}' for name in ('sam_', 'mem', 'mask', 'no_', 'obj')),
    )


@pytest.fixture(scope='module')
def model():
    return build()


# ------------------------------------------------------------------- the parts


@torch.no_grad()
def test_one_fusion(parts):
    golden = load_arrays('auralsam2_units')
    fusion = parts.neck[1].fusion_modules[1]
    pixels, audio = fusion(
        randn(171300, 2, 16, 256), randn(171301, 2, 256)[None]
    )
    assert_close(pixels, golden['fusion_module_1__frame'])
    assert_close(audio[0], golden['fusion_module_1__audio'])


@torch.no_grad()
def test_blocks_and_positions(parts):
    golden, fuser = load_arrays('auralsam2_units'), parts.neck[1]
    block = fuser.f_blocks[0][0]
    assert_close(
        block(randn(171310, 2, 64, 256), (8, 8)), golden['f_block_0_0__out']
    )
    out = block(randn(171311, 1, 196, 256), (14, 14))
    assert_close(out[:, ::4], golden['f_block_0_0__out_14'])
    out = fuser.a_blocks[0][0](randn(171312, 3, 256)[None])
    assert_close(out[0], golden['a_block_0_0__out'])
    place = map_positions(torch.empty(1, 256, 8, 8)).mT.unflatten(-1, (8, 8))
    assert_close(place, golden['position_8'])


def levels(frames):
    return tuple(
        randn(171100 + i, frames, 256, side, side)
        for i, side in enumerate((32, 16, 8))
    )


@pytest.mark.slow
@torch.no_grad()
def test_fuser(model):
    golden = load_arrays('auralsam2_units')
    sound = model.audio_encoder(randn(171103, 3, 2, 96, 64))
    given = AVFeatures(levels(3), sound, num_frames=3)
    out = model.neck[1](given)
    for level, step in enumerate((3, 3, 1)):
        seen = out.visual[3 + level].flatten(2).mT[:, ::step]
        suffix = '_s3' if step == 3 else ''
        assert_close(seen, golden[f'fuser_eval__visual_{level}{suffix}'])
        assert_close(out.audio[:, level], golden[f'fuser_eval__audio_{level}'])
    visual, audio = model.auxiliary_losses[0].embed(out)
    assert_close(visual[0], golden['fuser_eval__proj_visual_0'])
    for level in (1, 2):
        expected = golden[f'fuser_eval__proj_visual_{level}_s4']
        assert_close(visual[level][:, ::4], expected)
    for level in range(3):
        expected = golden[f'fuser_eval__proj_audio_{level}'][..., 0]
        assert_close(audio[level], expected)


@torch.no_grad()
def test_decoder_and_memory_encoder(parts):
    golden, head = load_arrays('auralsam2_model_hiera_t'), parts.decode_head
    pixels = randn(171400, 1, 256, 14, 14)
    decoded = head.decode(
        pixels,
        [randn(171401, 1, 32, 56, 56), randn(171402, 1, 64, 28, 28)],
        Residuals(
            [randn(171403 + i, 196, 256)[None] for i in range(3)],
            [randn(171406 + i, 256)[None] for i in range(3)],
        ),
    )
    assert_close(decoded.masks, golden['decoder__low_res'])
    assert_close(decoded.iou, golden['decoder__iou'])
    assert_close(decoded.object_score, golden['decoder__object_score'])
    memory = head.remember(pixels, decoded)
    assert_close(memory.pointer, golden['decoder__obj_ptr'])
    kept = memory.features.mT.unflatten(-1, (14, 14))
    assert_close(kept, golden['memory_encoder__features'])
    places = head.sam_prompt_encoder.pe_layer(14, 14)
    assert_close(places[:, ::16], golden['dense_pe_c16'])


@torch.no_grad()
def test_memory_attention(parts, monkeypatch):
    golden = load_arrays('auralsam2_model_hiera_t')
    place = randn(171414, 196, 1, 256).transpose(0, 1)
    monkeypatch.setattr(
        'mmavs.models.layers.sam2_memory.map_positions', lambda level: place
    )
    pointers = randn(171410, 8, 1, 64)
    memory = torch.cat([randn(171411, 392, 1, 64), pointers])
    position = torch.cat([randn(171412, 392, 1, 64), pointers * 0])
    current = randn(171413, 196, 1, 256).permute(1, 2, 0)
    out = parts.decode_head.memory_attention(
        current.unflatten(-1, (14, 14)),
        memory.transpose(0, 1),
        position.transpose(0, 1),
        num_pointers=8,
    )
    out = out.flatten(2).permute(2, 0, 1)[..., ::2]
    assert_close(out, golden['memory_attention__out'])


# ----------------------------------------------------------- the whole network


@pytest.mark.slow
@torch.no_grad()
def test_trunk_and_fpn(model):
    golden = load_arrays('auralsam2_model_hiera_t')
    maps = model.backbone(randn(171001, 3, 3, 224, 224))
    for i, step in enumerate((4, 2, 1, 1)):
        found = maps[i][0, ::24, ::step, ::step]
        assert_close(found, golden[f'trunk_{i}__f0'])
    merged = model.neck[0](AVFeatures(maps, num_frames=3)).visual
    for i, step in enumerate((4, 2, 1)):
        found = merged[i][0, ::16, ::step, ::step]
        assert_close(found, golden[f'fpn_{i}__f0_c16'])


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize(
    'name, num_frames, seed, training, past, step',
    [
        ('eval3_past_ptrs', 3, 171001, False, True, 1),
        ('eval3_all_ptrs', 3, 171001, False, False, 2),
        ('train4_past_ptrs', 4, 171001, True, True, 1),
        ('train4_all_ptrs', 4, 171001, True, False, 2),
        ('eval9_past_ptrs', 9, 171011, False, True, 2),
    ],
)
def test_whole_network(model, name, num_frames, seed, training, past, step):
    """Conditioning frame 0 in evaluation, the middle one in training."""
    golden, head = load_arrays('auralsam2_model_hiera_t'), model.decode_head
    given = features(model, num_frames, seed)
    state = {k: v.clone() for k, v in model.neck[1].state_dict().items()}
    model.neck[1].train(training)
    head.train(training)
    head.pointers_in_past_only = past
    output = head(model.neck[1](given))
    model.neck[1].load_state_dict(state)  # batch norms have moved on
    model.eval()
    for key, found in (
        ('low_res', output.extras['masks'][..., ::step, ::step]),
        ('iou', output.extras['iou']),
        ('object_score', output.extras['object_score']),
    ):
        assert_close(found, golden[f'{name}__{key}'], key)
    chosen = load_json('auralsam2_model_hiera_t')[name].get('chosen_index')
    if chosen:
        assert output.extras['iou'].argmax(1).tolist() == chosen


@pytest.mark.slow
def test_two_files_become_the_network_bit_by_bit(model, tmp_path, monkeypatch):
    """Fuser and SAM 2, as they are handed out, through the tool."""
    recipe = load_json('auralsam2_recipe_hiera_t')['tensors']
    weights = recipe_state_dict(recipe)
    for name, prefix in (('fuser', 'aural_fuser.'), ('sam2', 'v_model.')):
        part = {
            key.removeprefix(prefix): value
            for key, value in weights.items()
            if key.startswith(prefix)
        }
        part = dict(model=part) if name == 'sam2' else part
        torch.save(part, tmp_path / f'{name}.pth')
    words = [tmp_path / 'fuser.pth', tmp_path / 'out.pth']
    words += ['--sam2', tmp_path / 'sam2.pth', '--config']
    tool = 'model_converters/convert_released', 'auralsam2'
    with pytest.raises(ValueError, match='Hiera-T, the config asks .*-L. Fix'):
        run_tool(
            *tool, *words, 'auralsam2_hiera-l_s4', monkeypatch=monkeypatch
        )
    run_tool(*tool, *words, 'auralsam2_hiera-t_s4', monkeypatch=monkeypatch)
    found = init_model('auralsam2_hiera-t_s4', tmp_path / 'out.pth', 'cpu')
    expected = model.state_dict()
    for key, value in found.state_dict().items():
        assert torch.equal(value, expected[key]), key
    for path in tmp_path.glob('*.pth'):  # 1.3 GB
        path.unlink()


# ---------------------------------------------------------------------- losses


def test_mask_loss():
    golden = load_json('auralsam2_losses')
    target = torch.from_numpy(load_arrays('auralsam2_losses')['targets_u8'])

    def draw(seed, *shape):
        return torch.cat([randn(seed + i, 1, *shape) for i in range(4)])

    masks = (3 * draw(172000, 3, 64, 64)).requires_grad_()
    iou = draw(172100, 3).requires_grad_()
    score = (2 * draw(172200, 1)).requires_grad_()
    losses = SAM2MaskLoss()(masks, iou.sigmoid(), score, target.long(), 1)
    expected = golden['mask_shipped']
    values = expected['values']
    found = {name: float(v.detach()) for name, v in losses.items()}
    assert found == pytest.approx(
        dict(
            loss_focal=20 * values['loss_mask'],
            loss_dice=values['loss_dice'],
            loss_iou=values['loss_iou'],
            loss_object=values['loss_class'],
        ),
        rel=1e-5,
    )
    sum(losses.values()).backward()
    absolute = masks.grad.double().abs().sum((1, 2, 3)).tolist()
    assert absolute == pytest.approx(
        [pair[1] for pair in expected['grad_logits']], rel=1e-4
    )
    torch.testing.assert_close(
        iou.grad.abs(), torch.tensor(expected['grad_iou']).abs()
    )
    assert score.grad[:, 0].tolist() == pytest.approx(
        expected['grad_obj'], rel=1e-5
    )


@pytest.mark.parametrize(
    'name',
    [
        'v1m_4frames',
        'v1m_full_frame',
        'v1m_512',
        'v1m_total_limit',
        'v1s_1frame',
        'v1m_sample_limit_8',
        'v1m_binary_prediction',
    ],
)
def test_contrastive_loss(name, monkeypatch):
    case = load_json('auralsam2_losses')[f'contrast_{name}']
    masks = load_arrays('auralsam2_losses')[f'contrast_{name}__targets_u8']
    masks = torch.from_numpy(masks).float()[:, None]
    count, seed, size = len(masks), case['input_seed'], case['image_size']
    grid, low = (size // 16, size // 16), (size // 4, size // 4)

    def unit(seed, *shape):
        return F.normalize(randn(seed, count, *shape), dim=1).requires_grad_()

    visual = [unit(seed + i, 128, *grid) for i in range(3)]
    audio = [unit(seed + 10 + i, 128) for i in range(3)]
    if 'prediction' in case:  # the masks, as if they were logits
        logits = F.interpolate(masks, low)
    else:
        logits = torch.cat(
            [2 * randn(seed + 20 + i, 1, 1, *low) for i in range(count)]
        )
    options = case.get('config', dict(sample_limits=128, total_limits=15240))
    loss = AudioVisualContrastiveLoss(
        num_samples=options['sample_limits'], max_rows=options['total_limits']
    )
    monkeypatch.setattr(loss, 'embed', lambda features: (visual, audio))
    monkeypatch.setattr(
        torch, 'randperm', permutations(case['permutation_seed'])
    )
    places = torch.arange(count)
    labels = LabeledFrames(places, places * 0, masks[:, 0].long(), [])
    (value,) = loss(AVFeatures((), num_frames=count), logits, labels).values()
    assert float(value.detach()) == pytest.approx(case['value'], rel=1e-5)
    value.backward()
    for kind, given in (('visual', visual), ('audio', audio)):
        for level, expected in zip(given, case.get(f'grad_{kind}', ())):
            absolute = float(level.grad.double().abs().sum())
            assert absolute == pytest.approx(expected[1], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize('name, labelled', [('v1m', 4), ('v1s', 1)])
def test_two_training_steps(name, labelled, model, monkeypatch):
    """Losses of both steps, and what the first one's gradients add up to."""
    golden = load_json('auralsam2_model_hiera_t')[f'step_{name}']
    masks = load_arrays('auralsam2_model_hiera_t')['step__targets_u8']
    before = {k: v.clone() for k, v in model.state_dict().items()}
    places = torch.arange(labelled)
    masks = torch.from_numpy(masks[:labelled]).long()
    labels = LabeledFrames(places, places * 0, masks, [])
    given = features(model, 4, 171001)
    model.decode_head.pointers_in_past_only = True
    model.train()
    optimizer = torch.optim.AdamW(groups(model), lr=1e-4)
    for step, seed in enumerate(golden['permutation_seeds']):
        monkeypatch.setattr(torch, 'randperm', permutations(seed))
        fused = model.neck[1](given)
        output = model.decode_head(fused)
        losses = model.decode_head.loss(output, labels)
        losses.update(model.auxiliary_losses[0](fused, output.logits, labels))
        expected = golden['losses'][step]
        assert {k: float(v.detach()) for k, v in losses.items()} == (
            pytest.approx(
                dict(
                    loss_focal=20 * expected['loss_mask'],
                    loss_dice=expected['loss_dice'],
                    loss_iou=expected['loss_iou'],
                    loss_object=expected['loss_class'],
                    loss_contrastive=expected['contrastive'],
                ),
                rel=1e-5,
            )
        )
        optimizer.zero_grad()
        sum(losses.values()).backward()
        if step == 0:
            total = sum(
                float(p.grad.double().abs().sum())
                for p in model.parameters()
                if p.grad is not None
            )
            expected = golden['grads']['total_abs']
            assert total == pytest.approx(expected, rel=1e-5)
        optimizer.step()
    model.load_state_dict(before)
    model.eval()


def groups(model):
    """Norm layers do not decay."""
    norms = (torch.nn.LayerNorm, torch.nn.modules.batchnorm._BatchNorm)
    decayed, kept = [], []
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            if parameter.requires_grad:
                (kept if isinstance(module, norms) else decayed).append(
                    parameter
                )
    return [
        dict(params=decayed, weight_decay=0.05),
        dict(params=kept, weight_decay=0.0),
    ]

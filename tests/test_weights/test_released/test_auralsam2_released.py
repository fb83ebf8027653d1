"""Released AuralSAM2 and SAM 2 checkpoints under our names."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from run_tool import run_tool

from mmavs.models.backbones import SAM2Hiera
from mmavs.models.decode_heads import SAM2MaskHead
from mmavs.models.necks import SAM2FPN
from mmavs.registry import MODELS
from mmavs.testing.golden import load_json
from mmavs.testing.meta import OnMeta
from mmavs.weights.released import auralsam2, sam2

pytest.importorskip('timm')
ROOT = Path(__file__).resolve().parents[3]


def released(prefix=''):
    keys = load_json('auralsam2_keys_hiera_l')['state_dict']
    return {
        key: torch.empty(shape, device='meta')
        for key, shape in keys.items()
        if key.startswith(prefix)
    }


def own():
    config = ROOT / 'configs/auralsam2/auralsam2_hiera-l_ms3.py'
    with OnMeta():
        model = MODELS.build(Config.fromfile(config).model)
    return {k: v.shape for k, v in model.state_dict().items()}


def test_keys_and_shapes_of_a_whole_model():
    converted = auralsam2.convert(released())
    assert {k: v.shape for k, v in converted.items()} == own()


def test_fuser_and_meta_s_file_make_a_whole_model():
    fuser = {
        k.removeprefix('aural_fuser.'): v
        for k, v in released('aural_fuser.').items()
    }
    meta = {
        k.removeprefix('v_model.'): v for k, v in released('v_model.').items()
    }
    joined = {**auralsam2.convert(fuser), **sam2.convert(meta)}
    assert {k: v.shape for k, v in joined.items()} == own()


@pytest.mark.parametrize(
    'old, new',
    [
        ('train_f_patch_embed1.weight', 'patch_embeds.0.weight'),
        ('train_f_block3.11.norm1.bias', 'f_blocks.2.11.norm1.bias'),
        ('train_f_a_block2.q_audio.bias', 'fusion_modules.1.q_audio.bias'),
        ('train_smooth2.bias', 'smooth_convs.1.bias'),
        ('train_proj_v1.proj.0.bias', 'train_proj_v1.proj.0.bias'),
    ],
)
def test_names_of_earlier_files(old, new):
    assert auralsam2.modern(old) == new


def test_duplicates_are_dropped():
    key = 'audio_prompter.training_layers.f_blocks.0.0.norm1.bias'
    assert auralsam2.convert({key: torch.zeros(3)}) == {}


def test_sam_2_1_is_named():
    with pytest.raises(ValueError, match=r'SAM 2\.1.*Fix: take sam2_hiera'):
        sam2.convert({'obj_ptr_tpos_proj.weight': torch.zeros(1)})
    with pytest.raises(ValueError, match='not of SAM 2.0: .*pony'):
        sam2.convert({'pony': torch.zeros(1)})


def test_another_size_is_named():
    trunks = {arch: trunk(arch) for arch in 'tsb'}
    large = auralsam2.convert(released('v_model.image_encoder.trunk.'))
    for arch, model in trunks.items():
        with pytest.raises(
            ValueError, match=f'-L, .*-{arch.upper()}. Fix: ta'
        ):
            model.check_checkpoint(large, 'backbone.')
        own = {f'backbone.{k}': v for k, v in model.state_dict().items()}
        assert sam2.size_of(own, 'backbone.') == arch
        model.check_checkpoint(own, 'backbone.')
        model.check_checkpoint({}, 'backbone.')  # said elsewhere


def trunk(arch):
    with OnMeta():
        return SAM2Hiera(arch=arch)


def light(prefix):
    """Released tensors of one number each."""
    return {
        key.removeprefix(prefix): torch.tensor(float(i)).expand(value.shape)
        for i, (key, value) in enumerate(released(prefix).items())
    }


def test_a_training_starts_from_meta_s_file(tmp_path):
    """Neck and head; the trunk, of another size, is refused."""
    weights = light('v_model.')
    for key in weights:  # of 213 M numbers
        if '.trunk.blocks.' in key:
            weights[key] = torch.zeros(1)
    torch.save(dict(model=weights), tmp_path / 'sam2.pt')
    init = dict(type='Pretrained', checkpoint=str(tmp_path / 'sam2.pt'))
    neck = SAM2FPN(
        in_channels=[144, 288, 576, 1152], frozen=True, init_cfg=init
    )
    head = SAM2MaskHead(init_cfg=init)
    for part, prefix in ((neck, 'neck.0.'), (head, 'decode_head.')):
        part.init_weights()
        expected = {
            k.removeprefix(prefix): v
            for k, v in sam2.convert(weights).items()
            if k.startswith(prefix)
        }
        found = part.state_dict()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in found)
    small = trunk('t')
    small.init_cfg = init
    with pytest.raises(ValueError, match='Hiera-L, the config asks .*-T. Fix'):
        small.init_weights()
    del weights['image_encoder.neck.convs.0.conv.bias']
    torch.save(dict(model=weights), tmp_path / 'sam2.pt')
    with pytest.raises(RuntimeError, match=r'convs\.0\.conv\.bias .*missing'):
        neck.init_weights()


def test_a_fuser_without_sam2_is_refused(tmp_path, monkeypatch):
    """By the tool, and where a name's files are put together."""
    weights = light('aural_fuser.')
    torch.save(weights, tmp_path / 'fuser.pth')
    words = ['auralsam2', tmp_path / 'fuser.pth', tmp_path / 'out.pth']
    with pytest.raises(ValueError, match='holds the fuser alone.*--sam2'):
        run_tool(
            'model_converters/convert_released',
            *words,
            monkeypatch=monkeypatch,
        )
    assert not (tmp_path / 'out.pth').exists()


def test_foreign_keys_are_named():
    with pytest.raises(ValueError, match=r'not of an AuralSAM2.*head\.pony'):
        auralsam2.convert({'head.pony': torch.zeros(1)})


def test_a_training_keeps_no_graph_of_what_is_frozen():
    """Trunk, neck and sound encoder; the fuser is where gradients begin."""
    config = ROOT / 'configs/auralsam2/auralsam2_hiera-t_ms3.py'
    with OnMeta():
        model = MODELS.build(Config.fromfile(config).model).train()
        inputs = dict(
            imgs=torch.empty(1, 2, 3, 64, 64),
            audio=torch.empty(1, 2, 2, 96, 64),
        )
        encoded = model.encode(inputs)
        fine = model.neck[0](encoded)
        fused = model.neck[1](fine)
    frozen = (*encoded.visual, encoded.audio, *fine.visual)
    assert not any(x.requires_grad for x in frozen)
    made = (*fused.visual[3:], fused.audio)
    assert all(x.requires_grad for x in made)
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert {name.split('.')[0] for name in trained} == {
        'neck',
        'auxiliary_losses',
    }
    # as released, without what it builds and never uses
    count = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert count == 58_279_424 - 9_733_632
    parts = (model.backbone, model.neck[0], model.decode_head)
    count = sum(p.numel() for part in parts for p in part.parameters())
    assert count == 38_945_986 - 146_045

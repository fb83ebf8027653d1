"""Released AuralSAM2 and SAM 2 checkpoints under our names."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

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


def test_foreign_keys_are_named():
    with pytest.raises(ValueError, match=r'not of an AuralSAM2.*head\.pony'):
        auralsam2.convert({'head.pony': torch.zeros(1)})

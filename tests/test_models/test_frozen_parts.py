"""What is frozen runs without a graph: nothing of it is kept."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch.utils._pytree import tree_leaves

from mmavs.analysis.complexity import audio_shape
from mmavs.analysis.memory import LiveBytes
from mmavs.registry import MODELS
from mmavs.testing.meta import OnMeta

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
ENCODERS = ('audio_encoder', 'backbone')
STAGE_1 = ('decode_head.pixel_decoder', 'decode_head.transformer_decoder')
# what is frozen, for some epochs or for good
FROZEN = {
    'auralsam2/auralsam2_hiera-t_s4': (*ENCODERS, 'neck.0'),
    'avis/avis_r50_s4': (*ENCODERS, *STAGE_1),
    'avis/avis_swin-b_ms3': ENCODERS,
    'avsac/avsac_r50_ms3': ENCODERS,
    'avsegformer/avsegformer_pvt_ms3': ENCODERS,
    'photo/film_lite0_ms3': ('backbone',),
    'tpavi/tpavi_r50_ms3_hubert': ('audio_encoder',),
}
FRAMES, SIZE = 2, 64


def build(name):
    """A model without values, frozen as its config says, and a clip."""
    config = Config.fromfile(CONFIGS / f'{name}.py')
    shapes = dict(imgs=(3, SIZE, SIZE))
    if 'audio_encoder' in config.model:
        shapes['audio'] = audio_shape(config, FRAMES)[1:]
    with OnMeta():
        model = MODELS.build(config.model)
        inputs = {k: torch.empty(1, FRAMES, *s) for k, s in shapes.items()}
    for hook in config.get('custom_hooks', ()):
        if hook.type == 'FreezeBackboneHook':
            model.backbone.requires_grad_(False)
    return model.train(), inputs


def watch(part, live, found):
    """Note what a part keeps besides what it gives, and if that can learn."""

    def enter(*_):
        found.append(live.now)

    def leave(module, args, output):
        given, made = tensors_of(args), tensors_of(output)
        handed_on = {id(tensor.untyped_storage()) for tensor in given}
        sizes = {
            id(storage): storage.nbytes()
            for storage in (tensor.untyped_storage() for tensor in made)
            if id(storage) not in handed_on
        }
        kept = live.now - found.pop() - sum(sizes.values())
        found.append((kept, any(tensor.requires_grad for tensor in made)))

    part.register_forward_pre_hook(enter)
    part.register_forward_hook(leave)


def tensors_of(tree):
    return [leaf for leaf in tree_leaves(tree) if torch.is_tensor(leaf)]


@pytest.mark.parametrize('name', FROZEN)
def test_nothing_of_a_frozen_part_is_kept(name):
    live, found = LiveBytes(), {part: [] for part in FROZEN[name]}
    model, inputs = build(name)
    for part, seen in found.items():
        watch(model.get_submodule(part), live, seen)
    with OnMeta(), live:
        features = model.encode(inputs)
        if 'neck.0' in found:
            model.neck[0](features)
        if STAGE_1[0] in found:
            model.decode(features)
    for part, seen in found.items():
        assert seen == [(0, False)], part


def test_a_part_that_learns_keeps_more():
    live, seen = LiveBytes(), []
    model, inputs = build('tpavi/tpavi_r50_ms3')
    watch(model.backbone, live, seen)
    with OnMeta(), live:
        model.encode(inputs)
    ((kept, learns),) = seen
    assert learns and kept > 1e6

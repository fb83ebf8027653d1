"""AuralSAM2's released network with Hiera-T, from its recipe."""

import numpy as np
import torch

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures
from mmavs.testing.golden import load_json, randn, recipe_state_dict
from mmavs.weights.released import auralsam2


def build(*parts):
    """The network, or only the parts whose released keys begin so.

    72 M weights of VGGish and 27 M of the trunk take seconds to draw.
    """
    model = MODELS.build(
        dict(
            type='AVSegmentor',
            backbone=dict(type='SAM2Hiera', arch='t'),
            audio_encoder=dict(
                type='PerChannelEncoder', encoder=dict(type='VGGish')
            ),
            neck=[
                dict(
                    type='SAM2FPN',
                    in_channels=[96, 192, 384, 768],
                    frozen=True,
                ),
                dict(type='AuralFuser', dropout=0.0),
            ],
            decode_head=dict(
                type='SAM2MaskHead', loss_mask=dict(type='SAM2MaskLoss')
            ),
            auxiliary_losses=[dict(type='AudioVisualContrastiveLoss')],
        )
    )
    recipe = load_json('auralsam2_recipe_hiera_t')['tensors']
    if parts:
        recipe = [r for r in recipe if r['key'].startswith(parts)]
    weights = auralsam2.convert(recipe_state_dict(recipe))
    missing, unknown = model.load_state_dict(weights, strict=False)
    assert not unknown and (parts or not missing)
    return model.eval()


def features(model, num_frames, seed):
    """What enters the fuser for made frames and sounds."""
    frames = randn(seed, num_frames, 3, 224, 224)
    sound = randn(seed + 1, num_frames, 2, 96, 64)
    with torch.no_grad():
        encoded = AVFeatures(
            model.backbone(frames),
            model.audio_encoder(sound),
            num_frames=num_frames,
        )
        return model.neck[0](encoded)


def permutations(seed):
    """``torch.randperm`` of the golden files: call c draws from seed + c."""
    calls = iter(range(10**6))

    def randperm(count, **_):
        source = np.random.RandomState(seed + next(calls))
        return torch.from_numpy(source.permutation(count))

    return randperm

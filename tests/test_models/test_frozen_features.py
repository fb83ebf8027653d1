"""Features of what was seen or heard before come from files."""

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from torch import nn

from mmavs.registry import MODELS
from mmavs.testing.meta import OnMeta


@pytest.fixture
def backbone():
    class Counting(BaseModule):
        """Two maps; notes how many frames it looks at."""

        def __init__(self, coarse=True):
            super().__init__()
            self.coarse = coarse
            self.conv = nn.Conv2d(3, 2, 2, 2)
            self.norm = nn.BatchNorm2d(2)
            self.frames = 0

        def forward(self, imgs):
            self.frames += len(imgs)
            fine = self.norm(self.conv(imgs))
            return (fine, fine[:, :1, ::2, ::2])[: 1 + self.coarse]

    MODELS.register_module(name='Counting', module=Counting)
    yield dict(type='Counting')
    MODELS.module_dict.pop('Counting')


def test_each_frame_is_computed_once(backbone, tmp_path):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(type='FrozenFeatures', encoder=backbone, cache_dir=str(tmp_path))
    ).train()
    inner = model.encoder
    imgs = torch.randn(3, 3, 8, 12)
    wanted = inner.eval()(imgs)
    inner.frames = 0
    first = model(imgs)
    assert [m.shape for m in first] == [(3, 2, 4, 6), (3, 1, 2, 3)]
    for found, maps in zip(first, wanted):
        torch.testing.assert_close(found, maps, rtol=1e-3, atol=1e-3)
        assert not found.requires_grad
    assert inner.frames == 1 + 3  # the first tells the shapes
    again = model(imgs[[2, 0]])
    assert inner.frames == 4
    for found, maps in zip(again, first):
        assert torch.equal(found, maps[[2, 0]])
    with torch.no_grad():
        inner.conv.weight.mul_(2)
    changed = model(imgs)
    assert inner.frames == 4 + 3
    assert not torch.equal(changed[0], first[0])


def test_it_stays_frozen(backbone, tmp_path):
    model = MODELS.build(
        dict(type='FrozenFeatures', encoder=backbone, cache_dir=str(tmp_path))
    ).train()
    assert model.training and not model.encoder.norm.training
    assert not any(p.requires_grad for p in model.parameters())


def test_a_damaged_file_is_made_anew(backbone, tmp_path):
    model = MODELS.build(
        dict(type='FrozenFeatures', encoder=backbone, cache_dir=str(tmp_path))
    )
    imgs = torch.randn(1, 3, 8, 8)
    first = model(imgs)
    (path,) = tmp_path.rglob('*.npy')
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.warns(UserWarning, match='is damaged'):
        again = model(imgs)
    assert torch.equal(again[0], first[0])
    # whole, but of a smaller frame
    model(imgs[..., :4, :4])
    (other,) = set(tmp_path.rglob('*.npy')) - {path}
    path.write_bytes(other.read_bytes())
    with pytest.warns(UserWarning, match='is damaged'):
        again = model(imgs)
    assert torch.equal(again[0], first[0])


def test_half_floats(backbone, tmp_path):
    config = dict(
        type='FrozenFeatures', encoder=backbone, cache_dir=str(tmp_path)
    )
    whole = MODELS.build(config)
    half = MODELS.build(dict(config, half=True))
    half.load_state_dict(whole.state_dict())
    imgs = torch.randn(1, 3, 8, 8)
    exact, rounded = whole(imgs)[0], half(imgs)[0]
    assert torch.equal(rounded, exact.half().float())
    assert not torch.equal(rounded, exact)


def test_transforms_and_options_have_files_of_their_own(backbone, tmp_path):
    """Other pixels, another size, another option: nothing is mixed up."""
    config = dict(
        type='FrozenFeatures', encoder=backbone, cache_dir=str(tmp_path)
    )
    model = MODELS.build(config)
    imgs = torch.randn(1, 3, 8, 8)
    for given in (imgs, imgs.flip(-1), imgs[..., :6], imgs * 1.01):
        model(given)
    assert len(list(tmp_path.rglob('*.npy'))) == 4
    fine = MODELS.build(dict(config, encoder=dict(backbone, coarse=False)))
    fine.load_state_dict(model.state_dict())
    assert len(fine(imgs)) == 1
    assert len(list(tmp_path.rglob('*.npy'))) == 5


def test_an_audio_encoder(tmp_path):
    """One tensor; its weights go by the names that they have without it."""
    plain = dict(type='VGGish')
    config = dict(
        type='AVSegmentor',
        backbone=dict(
            type='ResNet', depth=18, base_channels=4, out_indices=(3,)
        ),
        decode_head=dict(type='AVSFPNHead', in_channels=[32], channels=(4, 4)),
        audio_encoder=dict(
            type='FrozenFeatures', encoder=plain, cache_dir=str(tmp_path)
        ),
    )
    with OnMeta():
        named = MODELS.build(dict(config, audio_encoder=plain)).state_dict()
        kept = MODELS.build(config)
    assert list(kept.state_dict()) == list(named)
    encoder = MODELS.build(dict(type='LogMelCNN', out_channels=8)).eval()
    cached = MODELS.build(
        dict(
            type='FrozenFeatures',
            encoder=dict(type='LogMelCNN', out_channels=8),
            cache_dir=str(tmp_path),
        )
    ).train()
    missing = cached.load_state_dict(encoder.state_dict())
    assert not missing.missing_keys and not missing.unexpected_keys
    # mmengine's own way of writing and reading
    state = get_state_dict(cached)
    assert list(state) == list(encoder.state_dict())
    load_state_dict(cached, state, strict=True)
    sound = torch.randn(2, 1, 96, 64)
    wanted = encoder(sound).detach()
    for _ in range(2):
        torch.testing.assert_close(cached(sound), wanted)
    assert cached.out_channels == 8


@pytest.mark.parametrize('pool', [None, 'mean'])
def test_tokens_of_beats(pool, tmp_path):
    """A second as (L, D) tokens, or as their mean; none is made twice."""
    small = dict(
        type='BEATs',
        architecture=dict(
            embed_dims=16,
            num_layers=1,
            num_heads=2,
            ffn_channels=16,
            patch_channels=8,
            conv_position_kernel=4,
            conv_position_groups=2,
        ),
        pool=pool,
    )
    kept = MODELS.build(
        dict(type='FrozenFeatures', encoder=small, cache_dir=str(tmp_path))
    ).train()
    sound = torch.randn(3, 98, 128)
    wanted = kept.encoder(sound)
    first = kept(sound)
    assert first.shape == ((3, 48, 16), (3, 16))[pool == 'mean']
    torch.testing.assert_close(first, wanted)
    kept.encoder.encode = None  # from now on it cannot hear
    assert torch.equal(kept(sound[[2, 0]]), first[[2, 0]])
    assert not first.requires_grad and kept.out_channels == 16

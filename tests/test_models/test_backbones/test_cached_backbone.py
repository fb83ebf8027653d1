"""Maps of frames that were seen before come from files."""

import pytest
import torch
from mmengine.model import BaseModule
from torch import nn

from mmavs.registry import MODELS


@pytest.fixture
def backbone():
    class Counting(BaseModule):
        """Two maps or one; notes how many frames it looks at."""

        def __init__(self, maps=2):
            super().__init__()
            self.maps = maps
            self.conv = nn.Conv2d(3, 2, 2, 2)
            self.norm = nn.BatchNorm2d(2)
            self.frames = 0

        def forward(self, imgs):
            self.frames += len(imgs)
            fine = self.norm(self.conv(imgs))
            return (fine, fine[:, :1, ::2, ::2])[: self.maps]

    MODELS.register_module(name='Counting', module=Counting)
    yield dict(type='Counting')
    MODELS.module_dict.pop('Counting')


def test_each_frame_is_computed_once(backbone, tmp_path):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(type='CachedBackbone', backbone=backbone, cache_dir=str(tmp_path))
    ).train()
    inner = model.backbone
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
        dict(type='CachedBackbone', backbone=backbone, cache_dir=str(tmp_path))
    ).train()
    assert model.training and not model.backbone.norm.training
    assert not any(p.requires_grad for p in model.parameters())


def test_a_damaged_file_is_made_anew(backbone, tmp_path):
    model = MODELS.build(
        dict(type='CachedBackbone', backbone=backbone, cache_dir=str(tmp_path))
    )
    imgs = torch.randn(1, 3, 8, 8)
    first = model(imgs)
    (path,) = tmp_path.rglob('*.npy')
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.warns(UserWarning, match='is damaged'):
        again = model(imgs)
    assert torch.equal(again[0], first[0])


def test_other_maps_of_the_same_weights_have_files_of_their_own(
    backbone, tmp_path
):
    both, one = (
        MODELS.build(
            dict(
                type='CachedBackbone',
                backbone=dict(backbone, maps=maps),
                cache_dir=str(tmp_path),
            )
        )
        for maps in (2, 1)
    )
    one.load_state_dict(both.state_dict())
    imgs = torch.randn(1, 3, 8, 8)
    fine, _ = both(imgs)
    (alone,) = one(imgs)
    assert torch.equal(alone, fine)

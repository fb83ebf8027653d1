"""What mmdet trains on COCO fits AVIS, where mmdet is installed."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmavs.registry import MODELS
from mmavs.testing.meta import OnMeta
from mmavs.weights.released.maskformer import convert

mmdet = pytest.importorskip('mmdet', reason='mmdet is not installed')


@pytest.mark.parametrize(
    'released, name',
    [
        (
            'mask2former/mask2former_swin-b-p4-w12-384-in21k_8xb2-lsj-50e_'
            'coco-panoptic.py',
            'avis_swin-b_s4_m2f_stage1.py',
        ),
        (
            'maskformer/maskformer_r50_ms-16xb1-75e_coco.py',
            'avis_r50_s4_stage1.py',
        ),
    ],
)
def test_checkpoints_trained_on_coco_fit(released, name):
    """Every name and shape of mmdet's own config, backbone included."""
    from mmdet.registry import MODELS as MMDET
    from mmdet.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    config = Config.fromfile(
        Path(mmdet.__file__).parent / '.mim/configs' / released
    )
    config.model.backbone.init_cfg = None
    configs = Path(__file__).resolve().parents[3] / 'configs/avis'
    with OnMeta():
        theirs = MMDET.build(dict(config.model, _scope_='mmdet'))
        ours = MODELS.build(Config.fromfile(configs / name).model)
    # a checkpoint holds no weights of losses
    weights = {
        key: value
        for key, value in theirs.state_dict().items()
        if 'loss' not in key
    }
    shapes = {key: value.shape for key, value in convert(weights).items()}
    own = {key: value.shape for key, value in ours.state_dict().items()}
    missing = {key for key in own if own[key] != shapes.get(key)}
    assert missing == {
        'decode_head.category_names.names',
        'decode_head.cls_embed.weight',
        'decode_head.cls_embed.bias',
    }
    assert set(shapes) <= set(own)

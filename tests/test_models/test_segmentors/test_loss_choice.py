import pytest
import torch

from mmavs.registry import MODELS
from mmavs.structures import AVSDataSample, FramePixelData


def model(losses):
    """AVSAC on a convolution, with its three loss terms."""
    return MODELS.build(
        dict(
            type='AVSegmentor',
            backbone=dict(
                type='ResNet', depth=18, base_channels=8, stem_channels=8
            ),
            audio_encoder=dict(type='LogMelCNN', out_channels=12),
            neck=dict(
                type='AVBridge',
                in_channels=[8, 16, 32, 64],
                audio_channels=12,
                embed_dims=32,
                encoder=dict(num_layers=1, ffn_channels=32),
                queries=dict(num_queries=4, num_layers=1, ffn_channels=32),
                decoder=dict(num_layers=1),
            ),
            decode_head=dict(
                type='BAVDHead',
                embed_dims=32,
                num_queries=4,
                mlp_channels=16,
                loss_decode=[
                    dict(type='SigmoidFocalLoss'),
                    dict(type='FrameDiceLoss'),
                ],
            ),
            auxiliary_losses=[dict(type='AVFSLoss', features='neck')],
            train_cfg=None if losses is None else dict(losses=losses),
        )
    )


def run(losses):
    sample = AVSDataSample(
        metainfo=dict(num_frames=2, labeled_frames=[0, 1], img_path=['a', 'b'])
    )
    mask = torch.randint(0, 2, (2, 1, 64, 64))
    sample.gt_sem_seg = FramePixelData(data=mask)
    inputs = dict(
        imgs=torch.randn(1, 2, 3, 64, 64), audio=torch.randn(1, 2, 1, 96, 64)
    )
    return model(losses).loss(inputs, [sample])


@pytest.mark.parametrize(
    'wanted, names',
    [
        (None, {'decode.loss_focal', 'decode.loss_dice', 'loss_avfs'}),
        (['decode.loss_dice'], {'decode.loss_dice'}),
    ],
)
def test_train_cfg_says_which_terms_count(wanted, names):
    losses = run(wanted)
    assert set(losses) == names
    assert all(value.isfinite() for value in losses.values())


def test_unknown_terms_are_named():
    with pytest.raises(ValueError, match=r"\['loss_pony'\].*loss_avfs"):
        run(['loss_pony'])

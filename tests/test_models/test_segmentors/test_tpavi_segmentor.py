"""The baseline as a whole, small: clips of several lengths, both losses."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.registry import MODELS
from mmavs.structures import AVSDataSample, FramePixelData

CONFIGS = Path(__file__).resolve().parents[3] / 'configs' / 'tpavi'


def build(setting):
    """The config's model, narrow, with light sound."""
    config = Config.fromfile(CONFIGS / f'tpavi_r50_{setting}.py')
    config.model.backbone.update(depth=18, base_channels=8, init_cfg=None)
    config.model.neck[0].update(in_channels=[8, 16, 32, 64], out_channels=16)
    config.model.neck[1].in_channels = [16] * 4
    config.model.decode_head.update(in_channels=[16] * 4, channels=(8, 8))
    config.model.audio_encoder = dict(type='LogMelCNN', out_channels=128)
    model = MODELS.build(config.model)
    for block in model.neck[1].blocks.values():  # or sound changes nothing
        torch.nn.init.normal_(block.rho_norm.weight, std=0.5)
    return model


def batch(lengths, num_classes, labeled):
    """What the pipeline gives for clips of these lengths."""
    source = torch.Generator().manual_seed(2)
    imgs, audio, samples = [], [], []
    for index, frames in enumerate(lengths):
        shape = (frames, 3, 64, 64)
        imgs.append(
            torch.randint(256, shape, generator=source, dtype=torch.uint8)
        )
        audio.append(torch.randn(frames, 1, 96, 64, generator=source))
        sample = AVSDataSample(
            metainfo=dict(
                clip_id=str(index),
                num_frames=frames,
                labeled_frames=labeled(frames),
                img_path=[''] * frames,
                img_shape=(64, 64),
                ori_shape=(64, 64),
            )
        )
        masks = torch.randint(
            num_classes, (frames, 1, 64, 64), generator=source
        )
        sample.gt_sem_seg = FramePixelData(data=masks)
        samples.append(sample)
    return dict(inputs=dict(imgs=imgs, audio=audio), data_samples=samples)


def alone(data, index):
    inputs = {key: [value[index]] for key, value in data['inputs'].items()}
    return dict(inputs=inputs, data_samples=[data['data_samples'][index]])


def test_padding_changes_no_prediction():
    """A clip of five frames beside one of ten, both padded to ten."""
    model = build('avss').eval()
    data = batch([5, 10], 71, range)
    prepared = model.data_preprocessor(data)
    assert prepared['inputs']['valid_frames'].sum(1).tolist() == [5, 10]
    with torch.no_grad():
        both = model.encode_decode(prepared['inputs']).logits
        for index, rows in enumerate([slice(0, 10), slice(10, 20)]):
            one = model.data_preprocessor(alone(data, index))
            logits = model.encode_decode(one['inputs']).logits
            torch.testing.assert_close(logits, both[rows], atol=1e-4, rtol=0)
        assert not both[5:10].any()
    predictions = model.test_step(data)
    shapes = [tuple(p.pred_sem_seg.data.shape) for p in predictions]
    assert shapes == [(5, 1, 64, 64), (10, 1, 64, 64)]


@pytest.mark.parametrize(
    'setting, lengths, labeled, names',
    [
        ('s4', [5, 5], lambda _: [0], {'decode.loss_bce'}),
        ('ms3', [5, 5], range, {'decode.loss_bce', 'loss_avm'}),
        ('avss', [5, 10], range, {'decode.loss_ce', 'loss_avm'}),
    ],
)
def test_training_step(setting, lengths, labeled, names):
    model = build(setting).train()
    data = batch(lengths, 71 if setting == 'avss' else 2, labeled)
    prepared = model.data_preprocessor(data, training=True)
    losses = model.loss(prepared['inputs'], prepared['data_samples'])
    assert losses.keys() == names
    sum(losses.values()).backward()
    dead = [k for k, p in model.named_parameters() if p.grad is None]
    assert dead == []
    total = sum(float(p.grad.abs().sum()) for p in model.parameters())
    assert total > 0 and torch.isfinite(torch.tensor(total))


def test_s4_learns_from_the_first_frame_alone():
    model = build('s4').eval()
    data = batch([5], 2, lambda _: [0])
    prepared = model.data_preprocessor(data, training=True)
    before = model.loss(prepared['inputs'], prepared['data_samples'])
    sample = prepared['data_samples'][0]
    masks = sample.gt_sem_seg.data.clone()
    masks[1:] = 255
    sample.gt_sem_seg = FramePixelData(data=masks)
    after = model.loss(prepared['inputs'], prepared['data_samples'])
    torch.testing.assert_close(before, after)
    masks[0] = 1 - masks[0]
    changed = model.loss(prepared['inputs'], prepared['data_samples'])
    difference = changed['decode.loss_bce'] - before['decode.loss_bce']
    assert difference.detach().abs() > 1e-4

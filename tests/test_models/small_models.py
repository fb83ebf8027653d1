"""Small checkpoints of every method, and what they gave when they were made.

``tests/data/small_models/<config>.pth`` holds the weights of a tiny config,
made smaller still, in half precision; ``<config>.npz`` its logits, masks,
instances and losses on made clips. To add one (never to renew one: that the
figures stay is what they are for)::

    python tests/test_models/small_models.py CONFIG
"""

import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from mmavs.apis import init_model
from mmavs.structures import AVSDataSample, FramePixelData
from mmavs.testing.golden import randn

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / 'tests' / 'data' / 'small_models'
CHANNELS = [4, 8, 16, 32]
WIDTH = 24
BACKBONE = {'backbone.base_channels': 4, 'backbone.stem_channels': 4}
SOUND = {'audio_encoder.channels': [8, 16, 24, 32]}
FPN = {
    **BACKBONE,
    **SOUND,
    'neck.0.in_channels': CHANNELS,
    'neck.0.out_channels': WIDTH,
    'neck.1.in_channels': [WIDTH] * 4,
    'decode_head.in_channels': [WIDTH] * 4,
    'decode_head.channels': (32, 32),  # of then
}
INSTANCES = {
    **BACKBONE,
    'decode_head.in_channels': CHANNELS,
    'decode_head.embed_dims': 32,
}
# config: fields of its model that are made smaller
SMALLER = {
    'film_tiny_ms3': FPN,
    'tpavi_tiny_ms3': FPN,
    'tpavi_tiny_avss': FPN,
    'avsbg_tiny_ms3': {
        **FPN,
        # the width of then
        'audio_encoder.out_channels': 128,
        'neck.1.audio_channels': 128,
        'auxiliary_losses.0.audio_channels': 128,
        'auxiliary_losses.0.in_channels': WIDTH,
        'auxiliary_losses.0.feature_size': 2,
    },
    'avis_tiny_ms3_stage1': INSTANCES,
    'avis_tiny_ms3': {
        **INSTANCES,
        **SOUND,
        'decode_head.avsc.audio_activation': 'sigmoid',  # default of then
    },
    'avsegformer_tiny_ms3': {
        **BACKBONE,
        **SOUND,
        'decode_head.in_channels': CHANNELS,
        'decode_head.embed_dims': 32,
        # depths and widths of then
        'decode_head.encoder.num_layers': 2,
        'decode_head.encoder.ffn_channels': 128,
        'decode_head.queries.num_layers': 2,
        'decode_head.queries.ffn_channels': 128,
        'decode_head.decoder.ffn_channels': 128,
        'decode_head.composer.conv_channels': (32, 16),
    },
    'avsac_tiny_ms3': {
        **BACKBONE,
        **SOUND,
        'neck.in_channels': CHANNELS,
        'neck.embed_dims': 32,
        'neck.decoder.vga_residual': False,  # the default of then
        'decode_head.embed_dims': 32,
        # depths and widths of then
        'neck.encoder.num_layers': 2,
        'neck.encoder.ffn_channels': 128,
        'neck.queries.num_layers': 2,
        'neck.queries.ffn_channels': 128,
        'decode_head.conv_channels': (32, 16),
    },
}
# stage 1 runs from the weights of stage 2
CHECKPOINTS = {'avis_tiny_ms3_stage1': 'avis_tiny_ms3'}
SIZE, NUM_FRAMES = 64, 3


def build(name, checkpoint=None):
    """Model of a tiny config, made smaller still."""
    config = Config.fromfile(ROOT / 'configs' / 'synthetic' / f'{name}.py')
    options = {f'model.{key}': value for key, value in SMALLER[name].items()}
    options['model.test_cfg.keep_logits'] = True
    return init_model(config, checkpoint, 'cpu', options)


def checkpoint_of(name):
    return FOLDER / f'{CHECKPOINTS.get(name, name)}.pth'


def clips(model):
    """Two clips; the second has two frames, of which one is labelled."""
    shape = (2, NUM_FRAMES)
    valid = torch.tensor([[True] * 3, [True, True, False]])
    imgs = randn(1, *shape, 3, SIZE, SIZE)
    inputs = dict(imgs=imgs * valid[..., None, None, None])
    inputs['valid_frames'] = valid
    if model.audio_encoder is not None:
        sound = randn(2, *shape, 1, 96, 64) - 2
        inputs['audio'] = sound * valid[..., None, None, None]
    samples = []
    for seed, labeled in ((3, [0, 1, 2]), (4, [1])):
        draw = np.random.RandomState(seed)
        # blocks of 16 px
        masks = draw.randint(0, max(2, model.num_classes), (3, 1, 4, 4))
        masks = torch.from_numpy(masks.repeat(16, 2).repeat(16, 3))
        kinds = torch.from_numpy(draw.randint(1, 4, (3, 1, 1, 1)))
        length = len(labeled) if seed == 3 else 2
        target = torch.full_like(masks, 255)
        target[labeled] = masks[labeled]
        sample = AVSDataSample(
            metainfo=dict(
                clip_id=str(seed),
                num_frames=length,
                labeled_frames=labeled,
                img_path=[''] * length,
                img_shape=(SIZE, SIZE),
                ori_shape=(SIZE, SIZE),
            )
        )
        sample.gt_sem_seg = FramePixelData(data=target)
        sample.gt_category_map = FramePixelData(data=masks * kinds)
        samples.append(sample)
    return inputs, samples


def figures(model):
    """Logits, masks, instances (eval mode), then losses (train mode)."""
    inputs, samples = clips(model)
    with torch.no_grad():
        logits = model(inputs)
        stride = max(1, logits.shape[-1] // 16)
        found = dict(logits=logits[..., ::stride, ::stride].numpy())
        for i, clip in enumerate(model.predict(*clips(model))):
            found[f'mask_{i}'] = clip.pred_sem_seg.data.numpy().astype('u1')
            kept = clip.seg_logits.data[..., ::4, ::4]
            found[f'clip_logits_{i}'] = kept.numpy()
            for t, frame in enumerate(clip.get('pred_instances', [])):
                for part in ('labels', 'scores', 'sounding_probs'):
                    found[f'{part}_{i}_{t}'] = frame[part].numpy()
                areas = frame.masks.sum((1, 2))
                found[f'areas_{i}_{t}'] = areas.numpy()
        losses = model.train().loss(inputs, samples)
    found.update({name: float(value) for name, value in losses.items()})
    return found


@torch.no_grad()
def make(name):
    """Draw weights, none of them where they would hide what precedes."""
    torch.manual_seed(0)
    model = build(name)
    model.init_weights()
    for key, value in model.state_dict().items():
        if key.endswith('running_var'):
            value.copy_(0.5 + torch.rand_like(value))
        elif value.is_floating_point() and value.ndim < 2:
            value.add_(torch.randn_like(value) * 0.1)
    if hasattr(model.decode_head, 'conv_seg'):  # about half sounds
        bias = model.decode_head.conv_seg.bias
        bias.sub_(model(clips(model)[0]).median())
    if 'avis' in name:  # several instances, some of which sound
        model.decode_head.query_embed.weight.mul_(4)
        model.decode_head.cls_embed.weight.mul_(16)
        model.decode_head.avsc.mlp[-1].weight.mul_(16)
    weights = {
        key: value.half() if value.is_floating_point() else value
        for key, value in model.state_dict().items()
    }
    torch.save(dict(state_dict=weights), checkpoint_of(name))


if __name__ == '__main__':
    for name in sys.argv[1:]:
        if name not in CHECKPOINTS and not checkpoint_of(name).exists():
            make(name)
        found = figures(build(name, checkpoint_of(name)))
        np.savez_compressed(FOLDER / f'{name}.npz', **found)
        print(name, {k: v for k, v in found.items() if 'loss' in k})

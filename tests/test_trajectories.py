"""Whole training runs against those of the released code, in float64.

Two or three steps from the same weights on the same made clips, through the
config's own model, losses, optimizer and hooks, run by mmengine's Runner.
``tests/data/golden/trajectory_*.json`` has the losses of each step, and of
each released tensor after the last step the sum, the absolute sum and how far
it moved; the npz the logits of another clip at the end.
"""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseDataPreprocessor
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmavs.registry import MODELS
from mmavs.structures import AVSDataSample, FramePixelData
from mmavs.testing.golden import (
    load_arrays,
    load_json,
    randn,
    recipe_state_dict,
)
from mmavs.testing.meta import OnMeta
from mmavs.weights.released import avsbench, avsbg, avsegformer

ROOT = Path(__file__).resolve().parents[1]
NARROW = {
    'model.neck.0.out_channels': 32,
    'model.neck.1.in_channels': [32] * 4,
    'model.decode_head.in_channels': [32] * 4,
}
SMALL_HEAD = {
    'model.decode_head.embed_dims': 64,
    'model.decode_head.dropout': 0.0,
    'model.decode_head.encoder': dict(num_layers=2, ffn_channels=128),
    'model.decode_head.queries': dict(
        num_queries=20, num_layers=2, ffn_channels=128
    ),
    'model.decode_head.decoder': dict(num_layers=2, ffn_channels=128),
}
PVT_B0 = {
    'model.backbone.variant': 'b0',
    'model.backbone.drop_path_rate': 0.0,
    'model.decode_head.in_channels': [32, 64, 160, 256],
}
PVT_B1 = {
    'model.backbone.variant': 'b1',
    'model.backbone.drop_path_rate': 0.0,
}
ONE_FROZEN_EPOCH = {'custom_hooks.0.num_epochs': 1}
# trajectory: config, its changes, converter
RUNS = {
    'avsbench_ms3_r50': ('tpavi/tpavi_r50_ms3', NARROW, avsbench),
    'avsbench_s4_pvt': ('tpavi/tpavi_pvt_s4', {**NARROW, **PVT_B1}, avsbench),
    'avsbench_avss_r50': ('tpavi/tpavi_r50_avss', NARROW, avsbench),
    'avsegformer_s4_pvt': (
        'avsegformer/avsegformer_pvt_s4',
        {**SMALL_HEAD, **PVT_B0, **ONE_FROZEN_EPOCH},
        avsegformer,
    ),
    'avsegformer_ms3_r50': (
        'avsegformer/avsegformer_r50_ms3',
        {**SMALL_HEAD, **ONE_FROZEN_EPOCH},
        avsegformer,
    ),
    'avsegformer_avss_pvt': (
        'avsegformer/avsegformer_pvt_avss',
        {**SMALL_HEAD, **PVT_B0},
        avsegformer,
    ),
    'avsbg_ms3_r50': ('avsbg/avsbg_r50_ms3', {}, avsbg),
    'avsbg_s4_r50': ('avsbg/avsbg_r50_s4', {}, avsbg),
}
# up to minutes each on one core
SLOW = tuple(name for name in RUNS if name != 'avsbench_avss_r50')
# our term: the released one, and what that one leaves out of it
TERMS = {
    'decode.loss_bce': ('iou_loss', 1),
    'decode.loss_ce': ('iou_loss', 1),
    'decode.loss_dice': ('iou_loss', 1),
    'decode.loss_structure': ('structure_loss', 1),
    'decode.loss_mix': ('mix_loss', 1),
    'loss_visual_to_audio': ('latent_loss', 1),
    'loss_avm': ('sa_loss', 0.5),
    'loss': ('total', 1),
}


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class Record(Hook):
    """Keep each step's losses."""

    def __init__(self):
        self.losses = []

    def after_train_iter(self, runner, batch_idx, data_batch, outputs):
        self.losses.append({k: v.item() for k, v in outputs.items()})


def build(config, weights):
    """The config's model with given weights, fed with sound embeddings."""
    config.model.backbone.init_cfg = None
    config.model.audio_encoder = None
    with OnMeta():
        model = MODELS.build(config.model)
    weights = {
        key: value.long() if 'num_batches' in key else value.double()
        for key, value in weights.items()
    }
    model.load_state_dict(weights, assign=True)
    model.audio_encoder = torch.nn.Identity()
    model.data_preprocessor = BaseDataPreprocessor()  # clips come normalised
    model._is_init = True  # mmengine's own mark: do not draw weights
    return model


def clips(recipe, num_clips, num_frames, size):
    """Inputs of the model, (B, T, ...)."""
    shape = (num_clips * num_frames,)
    imgs = randn(recipe['imgs_seed'], *shape, 3, size, size).double()
    audio = randn(recipe['audio_seed'], *shape, 128).double()
    audio[recipe.get('silent_frames', [])] = 0
    inputs = dict(imgs=imgs, audio=audio)
    if 'vid_flag' in recipe:
        valid = torch.tensor(recipe['vid_flag']).bool()
        imgs[~valid] = 0
        inputs['valid_frames'] = valid
    return {
        key: value.unflatten(0, (num_clips, num_frames))
        for key, value in inputs.items()
    }


def labels(golden, arrays):
    """One sample a clip; 255 where nothing is labelled."""
    recipe = golden['train']
    (masks,) = (arrays[key] for key in arrays if key.startswith('train_'))
    masks = torch.from_numpy(masks).long()[:, None]
    labeled = torch.ones(len(masks), dtype=torch.bool)
    if 'gt_flag' in recipe:
        labeled = torch.tensor(recipe['gt_flag']).bool()
    if golden['labelled'] == 'first':
        labeled = torch.arange(len(masks)) % recipe['T'] == 0
    masks[~labeled] = 255
    valid = torch.tensor(recipe.get('vid_flag', [1] * len(masks)))
    samples = []
    for b in range(recipe['B']):
        frames = slice(b * recipe['T'], (b + 1) * recipe['T'])
        length = int(valid[frames].sum())
        sample = AVSDataSample(
            metainfo=dict(
                num_frames=length,
                labeled_frames=labeled[frames].nonzero().flatten().tolist(),
                img_path=[''] * length,
            )
        )
        sample.gt_sem_seg = FramePixelData(data=masks[frames][:length])
        samples.append(sample)
    return samples


def train(config, model, batch, steps, work_dir):
    """Run the config's optimizer and hooks, an epoch a step."""
    record = Record()
    runner = Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=DataLoader([batch], collate_fn=lambda b: b[0]),
        train_cfg=dict(by_epoch=True, max_epochs=steps),
        optim_wrapper=config.optim_wrapper,
        param_scheduler=config.get('param_scheduler'),
        custom_hooks=[*config.get('custom_hooks', []), record],
        default_hooks=dict(logger=None, checkpoint=None, timer=None),
        default_scope='mmavs',
        experiment_name=work_dir.name,
    )
    runner.train()
    return record


def check_final(golden, convert, before, after, trained):
    """Compare every released tensor after the last step."""
    lr = golden['optimizer']['lr']
    # which released tensor each element of each of our tensors is of
    keys = list(golden['final'])
    marks = {
        tensor['key']: torch.tensor(float(i)).expand(tensor['shape'])
        for i, tensor in enumerate(golden['tensors'])
        if tensor['key'] == keys[i]
    }
    seen = set()
    for name, mark in convert(marks).items():
        # PVT's queries and keys are rows of one tensor here
        rows = mark[(..., *(0,) * (mark.ndim - 1))]
        for i in rows.unique():
            part = rows == i if rows.ndim and len(rows.unique()) > 1 else ...
            last, first = after[name][part], before[name][part]
            total, size, moved = golden['final'][keys[int(i)]]
            seen.add(keys[int(i)])
            assert float(last.sum()) == pytest.approx(total, abs=1e-9 * size)
            assert float(last.abs().sum()) == pytest.approx(size, rel=1e-9)
            atol = 1e-5 * lr * last.numel() if name in trained else 1e-12
            assert float((last - first).abs().sum()) == pytest.approx(
                moved, rel=0 if name in trained else 1e-8, abs=atol
            ), keys[int(i)]
    assert seen == set(keys)


@pytest.mark.parametrize(
    'name',
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name in RUNS
    ],
)
def test_trajectory(name, tmp_path):
    path, changes, released = RUNS[name]
    config = Config.fromfile(ROOT / 'configs' / f'{path}.py')
    config.merge_from_dict(changes)
    golden = load_json(f'trajectory_{name}')
    arrays = load_arrays(f'trajectory_{name}')
    before = released.convert(recipe_state_dict(golden))
    model = build(config, before)
    recipe = golden['train']
    batch = dict(
        inputs=clips(recipe, recipe['B'], recipe['T'], recipe['size']),
        data_samples=labels(golden, arrays),
    )
    steps = len(golden['steps'])
    record = train(config, model, batch, steps, tmp_path)

    for ours, theirs in zip(record.losses, golden['steps'], strict=True):
        found = {TERMS[k][0]: v / TERMS[k][1] for k, v in ours.items()}
        expected = {k: v for k, v in theirs.items() if k in found}
        assert found == pytest.approx(expected, rel=1e-9)
    model.eval()
    with torch.no_grad():
        logits = model(clips(golden['eval'], 1, recipe['T'], recipe['size']))
    stride = golden['eval']['stride']
    expected = torch.from_numpy(arrays['eval_logits']).double()
    atol = 1e-6 * float(expected.abs().max())
    torch.testing.assert_close(
        logits[..., ::stride, ::stride], expected, rtol=0, atol=atol
    )
    after = model.state_dict()
    check_final(
        golden,
        released.convert,
        before,
        after,
        set(dict(model.named_parameters())),
    )

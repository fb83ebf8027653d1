"""Every config builds, and a clip runs through its model.

Models are built and run on the meta device: shapes are followed, values are
not computed, so that full-size models cost nothing.
"""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.analysis.complexity import frame_size
from mmavs.engine.run_config import datasets
from mmavs.model_index import model_entries, released
from mmavs.registry import DATASETS, METRICS, MODELS, TRANSFORMS, VISUALIZERS
from mmavs.testing.meta import OnMeta
from mmavs.weights.addresses import encoders, pretrained_paths
from mmavs.weights.conversion import METHODS

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted((ROOT / 'configs').glob('[!_]*/*.py'))
# folder: how many configs it holds
COUNTS = {
    'auralsam2': 10,
    'avis': 16,
    'avsac': 15,
    'avsegformer': 13,
    'avsbg': 8,
    'catr': 7,
    'photo': 6,
    'synthetic': 34,
    'tpavi': 15,
}
SETTINGS = ('s4', 'ms3', 'avss')


def test_how_many_configs_there_are():
    found = {}
    for path in CONFIGS:
        found[path.parent.name] = found.get(path.parent.name, 0) + 1
    assert found == COUNTS


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_name_says_method_backbone_and_setting(path):
    """``{method}_{backbone}_{setting}.py``, variants as a suffix."""
    method, backbone, setting = path.stem.split('_')[:3]
    if path.parent.name not in ('synthetic', 'photo'):
        assert method == path.parent.name
    assert backbone and setting in SETTINGS


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_builds_and_runs(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = Config.fromfile(path)
    assert config.default_scope == 'mmavs'
    pipelines = [dataset.pipeline for dataset in datasets(config)]
    for pipeline in [*pipelines, config.get('tta_pipeline', [])]:
        for transform in pipeline:
            TRANSFORMS.build(transform)
    classes = config.model.decode_head.get('num_classes', 2)
    for dataset in datasets(config):
        kind = DATASETS.get(dataset.type)
        metainfo = {**kind.METAINFO, **(dataset.get('metainfo') or {})}
        assert classes <= len(metainfo['classes'])
    for evaluator in (config.val_evaluator, config.test_evaluator):
        metrics = evaluator if isinstance(evaluator, list) else [evaluator]
        for metric in metrics:
            METRICS.build(metric)
    assert VISUALIZERS.get(config.visualizer.type) is not None
    # the learning rate is that of the published batch, on all its GPUs
    gpus = 4 if path.parent.name == 'auralsam2' else 1
    batch = gpus * config.train_dataloader.batch_size
    assert config.auto_scale_lr == dict(enable=False, base_batch_size=batch)
    for weights in pretrained_paths(config.model):
        name = Path(weights).name
        assert '://' in weights or name in encoders(), weights


def test_small_configs_say_how_large_their_clips_are():
    for path in (ROOT / 'configs/synthetic').glob('*.py'):
        config = Config.fromfile(path)
        assert frame_size(config) == 2 * (config.synthetic_set.size,), path
        train = {'avis_tiny_ms3_pretrain': 2000, 'film_tiny_ms3_96px': 3000}
        clips = config.synthetic_set.clips.train
        assert clips == train.get(path.stem, 1000), path


def test_weights_that_are_offered_are_those_that_configs_name():
    named = {
        Path(weights).name
        for path in CONFIGS
        for weights in pretrained_paths(Config.fromfile(path).model)
        if '://' not in weights
    }
    models = filter(None, map(released, model_entries()))
    beside = {
        file['Address']
        for found in models
        for file in found.get('Beside') or ()
    }
    known = {entry['Weights']: name for name, entry in encoders().items()}
    assert beside <= set(known)
    assert set(encoders()) == named | {known[address] for address in beside}
    for name, entry in encoders().items():
        assert entry['Weights'] or entry['By Hand'], name
        for field in ('Training Data', 'License', 'Source', 'Size (MB)'):
            assert entry[field], (name, field)
        assert entry.get('Converter', 'pvt') in METHODS
    page = (ROOT / 'docs/en/get_started.md').read_text()
    assert set(re.findall(r'^\| `([^`]+\.pth?)` \|', page, re.M)) == named


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_a_clip_runs_through_the_model(path):
    config = Config.fromfile(path)
    avss = path.stem.split('_')[2] == 'avss'
    # the synthetic set has ten of the classes, and background
    num_classes = (11 if 'tiny' in path.stem else 71) if avss else 1
    if path.parent.name == 'auralsam2':  # binary in every setting
        num_classes = 1
    num_frames = 10 if avss else 5
    with OnMeta(), torch.no_grad():
        model = MODELS.build(config.model).to('meta').eval()
        size = _input_size(config)
        inputs = dict(imgs=torch.empty(1, num_frames, 3, size, size))
        if model.audio_encoder is not None:
            inputs['audio'] = torch.empty(1, num_frames, *_sound(config))
        logits = model(inputs)
    assert logits.shape[:2] == (num_frames, num_classes)
    assert logits.is_meta


def _input_size(config):
    """Size the training pipeline resizes to; 224 if it does not."""
    for transform in _flat(next(datasets(config)).pipeline):
        if transform.type == 'Resize':
            return transform.scale[0]
    return 224


def _flat(pipeline):
    for transform in pipeline:
        yield transform
        yield from _flat(transform.get('transforms', []))


def _sound(config):
    """Shape of one second of the audio front end's output."""
    pipeline = next(datasets(config)).pipeline
    types = {t.type for t in pipeline}
    if 'AudioSegments' in types:
        return (16000,)
    load = next(t for t in pipeline if t.type == 'LoadAudio')
    channels = load.get('channels', 1)
    return (98, 128) if 'BEATsFbank' in types else (channels, 96, 64)

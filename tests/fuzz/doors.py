"""The ways by which files of others come in, one function each.

A door takes the folder of a case and gives what came out of its files, to be
compared with what the whole file gives.
"""

import importlib.util
import json
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import torch
from isolation import Told, arguments
from mmengine.config import Config
from mmengine.runner.checkpoint import load_checkpoint as load_by_mmengine

from mmavs.apis import AVSInferencer, init_model
from mmavs.audio import read_sound
from mmavs.datasets.preparation import Options, prepare_data
from mmavs.engine.run_config import check_model, load_config
from mmavs.files.output_folder import OutputFolder
from mmavs.media.picture_files import read_picture
from mmavs.registry import DATASETS
from mmavs.weights.checkpoint import check_resumable, load_model_weights
from mmavs.weights.work_dir import last_checkpoint

ROOT = Path(__file__).resolve().parents[2]
_TOOLS: Dict[str, Any] = {}


class Kind(NamedTuple):
    """A kind of file and the door through which it comes in.

    Attributes:
        seeds (str): Folder of whole files, see :mod:`seeds`.
        target (str): The one that is damaged, as a pattern.
        door (callable): Given the folder.
        checked (bool): The format tells a changed bit, or what is read of it
            can be made anew.
        names (tuple[str]): What an error may name in the file's place.
    """

    seeds: str
    target: str
    door: Callable[[Path], Any]
    checked: bool = False
    names: Tuple[str, ...] = ()


@lru_cache(1)  # before the forks; each process has a copy
def small_model() -> torch.nn.Module:
    """Build the quick start's model for pictures of 32 x 32."""
    config = Config.fromfile(ROOT / 'configs/synthetic/film_tiny_ms3.py')
    steps = config.test_dataloader.dataset.pipeline
    steps[1].cache_dir = None
    for step in steps[-2].transforms:
        if step['type'] == 'Resize':
            step['scale'] = (32, 32)
    torch.manual_seed(3)
    model = init_model(config, device='cpu')
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    return model


def tool(path: str) -> Any:
    """Import a script of ``tools/`` as if it were run."""
    if path not in _TOOLS:
        file = ROOT / 'tools' / f'{path}.py'
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.__name__ = '__main__'  # mistakes are known by it
        _TOOLS[path] = module
    return _TOOLS[path]


def _out(folder: Path) -> Path:
    path = folder.parent / 'out'
    path.mkdir(exist_ok=True)
    return path


# ------------------------------------------------------------------ data sets


def _sample(
    folder: Path,
    kind: str,
    sound: Tuple[dict, ...],
    more: tuple = (),
    **options,
) -> list:
    """Give the first test clip as it goes to the model."""
    frames = [dict(type='LoadFrame'), dict(type='LoadFrameMask'), *more]
    pipeline = [
        *sound,
        dict(type='ForEachFrame', transforms=frames),
        dict(type='PackAVSInputs'),
    ]
    given = dict(type=kind, data_root=str(folder), pipeline=pipeline)
    packed = DATASETS.build(
        dict(given, **dict(dict(split='test'), **options))
    )[0]
    sample = packed['data_samples']
    fields = [
        field.data for _, field in sample.all_items() if hasattr(field, 'data')
    ]
    return [packed['inputs'], fields]


_HEAR = (
    dict(type='LoadAudio'),
    dict(type='VGGishLogMel', short_policy='zeros'),
)
_OWN = dict(ann_file='clips.csv', split=None)


def _own(folder: Path) -> list:
    return _sample(folder, 'AVSDataset', _HEAR, **_OWN)


def _cached(folder: Path) -> list:
    cache = dict(_HEAR[1], cache_dir=str(folder / 'cache'))
    return _sample(folder, 'AVSBenchMS3Dataset', (_HEAR[0], cache))


def _list(folder: Path, kind: str, **options: Any) -> list:
    """List the clips of all splits, by paths below the folder."""
    clips = []
    for split in (
        ('train', 'val', 'test') if 'split' not in options else (None,)
    ):
        given = dict(dict(split=split), **options)
        dataset = DATASETS.build(
            dict(type=kind, data_root=str(folder), **given)
        )
        clips += [dataset.get_data_info(i) for i in range(len(dataset))]
    text = json.dumps(clips, sort_keys=True, default=str)
    return text.replace(str(folder), '.')


# ------------------------------------------------------------- sound and video


def _sound(folder: Path, name: str) -> torch.Tensor:
    return read_sound(folder / name)


def _prepare(folder: Path, name: str) -> list:
    script = tool('dataset_converters/prepare_clips')
    out = _out(folder)
    (folder / 'videos').mkdir()
    video = (folder / name).rename(folder / 'videos' / name)
    words = ('prepare_clips.py', video.parent, '--out', out, '--workers', 1)
    with arguments(*words):
        if script.main():
            raise Told
    return [path.read_bytes() for path in sorted(out.rglob('*.*'))]


def _infer(folder: Path, name: str, **options: Any) -> list:
    out = _out(folder)
    options.update(out_dir=out / 'masks', progress=False)
    summary = AVSInferencer(small_model())(folder / name, **options)
    masks = [read_picture(p) for p in sorted((out / 'masks').glob('*.png'))]
    return [masks, [mask['objects'] for mask in summary['masks']]]


def _infer_folder(folder: Path) -> list:
    return _infer(folder, 'frames/a', audio=folder / 'audio/a/a.wav')


# --------------------------------------------------------------------- weights


def _weights(folder: Path, name: str) -> dict:
    model = small_model()
    load_model_weights(model, str(folder / name))
    return model.state_dict()


def _load_from(folder: Path, name: str) -> dict:
    model = small_model()
    load_by_mmengine(model, str(folder / name))
    return model.state_dict()


def _resume(folder: Path) -> dict:
    model = small_model()
    check_resumable(model, str(folder / 'epoch_1.pth'))
    return _load_from(folder, 'epoch_1.pth')


def _last(folder: Path) -> str:
    return str(last_checkpoint(folder)).replace(str(folder), '.')


def _convert(folder: Path, method: str, name: str) -> dict:
    script = tool('model_converters/convert_released')
    out = _out(folder) / 'x.pth'
    with arguments('convert_released.py', method, folder / name, out):
        script.main()
    return torch.load(out, weights_only=True)['state_dict']


def _publish(folder: Path) -> dict:
    script = tool('model_converters/publish_model')
    out = _out(folder)
    with arguments('publish_model.py', folder / 'own.pth', out / 'x'):
        script.main()
    (path,) = out.glob('x-*.pth')
    return torch.load(path, weights_only=True)['state_dict']


# ----------------------------------------------------------- scores and texts


def _score(folder: Path, *words: Any) -> list:
    script = tool('analysis_tools/evaluate_dump')
    out = _out(folder) / 'rows.json'
    given = [folder / w if (folder / str(w)).exists() else w for w in words]
    with arguments('evaluate_dump.py', *given, '--json', out):
        script.main()
    return json.loads(out.read_text())


def _score_masks(folder: Path, *words: str) -> list:
    return _score(
        folder, 'predictions', '--gt', 'truth', '--clips', 'clips.csv', *words
    )


def _config(folder: Path, name: str) -> dict:
    config = load_config(str(folder / name))
    check_model(config, name)
    return config.to_dict()


def _curves(folder: Path) -> str:
    script = tool('analysis_tools/analyze_logs')
    words = ('--keys', 'loss', '--out', _out(folder) / 'x.png')
    with arguments('analyze_logs.py', folder / 'scalars.json', *words):
        script.main()
    return script.describe(script.read_run(folder / 'scalars.json', 'x'))


def _claim(folder: Path) -> List[str]:
    OutputFolder(folder / 'outputs').claim(overwrite=True)
    files = [path for path in folder.rglob('*') if path.is_file()]
    return sorted(str(path.relative_to(folder)) for path in files)


def warm_up(seeds: Path) -> None:
    """Import what doors import, and fill the cache among the seeds."""
    import cv2

    cv2.setNumThreads(1)
    for name in (
        'analysis_tools/analyze_logs',
        'analysis_tools/evaluate_dump',
        'dataset_converters/prepare_clips',
        'model_converters/convert_released',
        'model_converters/publish_model',
    ):
        tool(name)
    _cached(seeds / 'cached')


def _prepared(folder: Path) -> list:
    """Carry a preparation on, as its note says."""
    return prepare_data([], folder, Options(size=None), 1, progress=False)


KINDS: Dict[str, Kind] = {
    'wav of a data set': Kind(
        'ms3',
        'ms3_data/audio_wav/test/*.wav',
        partial(_sample, kind='AVSBenchMS3Dataset', sound=_HEAR),
    ),
    'float wav': Kind('own', 'audio/a/a.wav', _own),
    'frame, png': Kind(
        'ms3',
        'ms3_data/visual_frames/*/*_3.png',
        partial(_sample, kind='AVSBenchMS3Dataset', sound=_HEAR),
        checked=True,
    ),
    'frame, jpg': Kind(
        'own', 'frames/a/1.jpg', _own, names=('masks/a/1.png',)
    ),
    'frame of a folder': Kind('own', 'frames/a/1.jpg', _infer_folder),
    'mask, binary': Kind('own', 'masks/a/2.png', _own, checked=True),
    'mask, indices': Kind(
        'avss',
        '*/*/labels_semantic/1.png',
        partial(_sample, kind='AVSBenchSemanticDataset', sound=_HEAR),
        checked=True,
    ),
    'mask, colours': Kind(
        'avss_rgb',
        '*/*/labels_rgb/1.png',
        partial(_sample, kind='AVSBenchSemanticDataset', sound=_HEAR),
        checked=True,
    ),
    'category map': Kind(
        'ms3',
        'ms3_data/gt_categories/test/*/*_2.png',
        partial(
            _sample,
            kind='AVSBenchMS3Dataset',
            sound=_HEAR,
            more=(dict(type='LoadCategoryMap'),),
        ),
        checked=True,
    ),
    'released log-mel': Kind(
        'ms3',
        'ms3_data/audio_log_mel/test/*.pkl',
        partial(
            _sample,
            kind='AVSBenchMS3Dataset',
            sound=(dict(type='LoadReleasedLogMel'),),
        ),
    ),
    'log-mel cache': Kind('cached', 'cache/*/*', _cached, checked=True),
    'csv, S4': Kind(
        's4', 's4_meta_data.csv', partial(_list, kind='AVSBenchS4Dataset')
    ),
    'csv, MS3': Kind(
        'ms3', 'ms3_meta_data.csv', partial(_list, kind='AVSBenchMS3Dataset')
    ),
    'csv, AVSS': Kind(
        'avss', 'metadata.csv', partial(_list, kind='AVSBenchSemanticDataset')
    ),
    'csv, own clips': Kind(
        'own', 'clips.csv', partial(_list, kind='AVSDataset', **_OWN)
    ),
    'synthetic.json': Kind(
        'ms3', 'synthetic.json', partial(_list, kind='AVSBenchMS3Dataset')
    ),
    'prepared.json': Kind('texts', 'prepared.json', _prepared),
    'flac': Kind('videos', 'sound.flac', partial(_sound, name='sound.flac')),
    'm4a': Kind('videos', 'sound.m4a', partial(_sound, name='sound.m4a')),
    'sound of an mp4': Kind(
        'videos', 'clip.mp4', partial(_sound, name='clip.mp4')
    ),
    'mp4, prepared': Kind(
        'videos', 'clip.mp4', partial(_prepare, name='clip.mp4')
    ),
    'mp4, segmented': Kind(
        'videos', 'clip.mp4', partial(_infer, name='clip.mp4')
    ),
    'mkv, segmented': Kind(
        'videos', 'clip.mkv', partial(_infer, name='clip.mkv')
    ),
    'checkpoint': Kind(
        'weights', 'own.pth', partial(_weights, name='own.pth'), checked=True
    ),
    'checkpoint, old format': Kind(
        'weights', 'legacy.pth', partial(_weights, name='legacy.pth')
    ),
    'load_from': Kind(
        'weights',
        'own.pth',
        partial(_load_from, name='own.pth'),
        checked=True,
        # mmengine has named the file in the line before
        names=('the checkpoint is of another model',),
    ),
    'checkpoint, resumed': Kind(
        'weights', 'epoch_1.pth', _resume, checked=True
    ),
    'last_checkpoint': Kind('weights', 'last_checkpoint', _last),
    'checkpoint, published': Kind(
        'weights', 'own.pth', _publish, checked=True
    ),
    'released VGGish': Kind(
        'weights',
        'vggish.pth',
        partial(_convert, method='vggish', name='vggish.pth'),
        checked=True,
    ),
    'released AVS-BG': Kind(
        'weights',
        'avsbg_pvt_basic.pth',
        partial(_convert, method='avsbg', name='avsbg_pvt_basic.pth'),
        checked=True,
    ),
    'released AVSegFormer': Kind(
        'weights',
        'avsegformer_ms3_res.pth',
        partial(
            _convert, method='avsegformer', name='avsegformer_ms3_res.pth'
        ),
        checked=True,
    ),
    'dump, binary': Kind(
        'dumps',
        'binary.pkl',
        lambda folder: _score(folder, 'binary.pkl'),
        names=('pixels of the ground truth, the first in clip',),
    ),
    'dump, semantic': Kind(
        'dumps',
        'semantic.pkl',
        lambda folder: _score(folder, 'semantic.pkl', '--semantic'),
        names=('pixels of the ground truth, the first in clip',),
    ),
    'predicted mask': Kind(
        'masks',
        'predictions/a/a_2.png',
        _score_masks,
        checked=True,
        names=('clip a: frames',),
    ),
    'clips of a score': Kind('masks', 'clips.csv', _score_masks),
    'classes of a score': Kind(
        'labels',
        'classes.txt',
        lambda folder: _score_masks(
            folder, '--semantic', '--classes', 'classes.txt'
        ),
        names=('holds labels outside',),
    ),
    **{
        f'config, {suffix}': Kind(
            'configs', f'c.{suffix}', partial(_config, name=f'c.{suffix}')
        )
        for suffix in ('py', 'yaml', 'json')
    },
    'log of a run': Kind('texts', 'scalars.json', _curves),
    'list of outputs': Kind(
        'texts', 'outputs/.mmavs_files', _claim, names=('outputs',)
    ),
}

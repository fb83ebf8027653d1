"""Does a model stay silent under silence, and under sound that does not fit?

    python tools/analysis_tools/audio_sensitivity.py CONFIG CHECKPOINT \
        [--split test] [--synthetic] [--out FILE.json]

Table 6 of arXiv 2307.16620: every clip is tested with digital silence, and
with the sound of something that it does not show; the right mask is empty.
mIoU is the share of pixels predicted silent, RA the share of frames in which
none sounds. J under the clips' own sound stands beside them, since a model
that never segments anything would be perfect here; of semantic models it is
the mean over classes.

What does not fit is known for synthetic clips (nothing visible, silent objects
included), for S4 (another category) and for MS3 with category maps; otherwise
it is any other clip's sound.
"""

import argparse
import copy
import json
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import pseudo_collate
from prettytable import PrettyTable
from rich.progress import track

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.apis import init_model
from mmavs.command_line import run_script
from mmavs.datasets.heard import hear, muted
from mmavs.datasets.unmatching import clip_contents, unmatching_sounds
from mmavs.engine.run_config import (
    config_to_look_at,
    evaluators_of,
    innermost_datasets,
    loader_of,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.whole_files import write_text
from mmavs.registry import DATASETS, METRICS
from mmavs.structures import DEFAULT_THRESHOLD
from mmavs.utils import register_all_modules


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'checkpoint', nargs='?', help='without one, random weights are tested'
    )
    parser.add_argument('--split', default='test', choices=('val', 'test'))
    parser.add_argument('--seed', type=int, default=0, help='of the draw')
    parser.add_argument('--out', type=Path, help='also write the figures here')
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument(
        '--synthetic', action='store_true', help='on the synthetic set'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_intermixed_args()


def build_dataset(config: Config, split: str, *transforms: dict):
    """Build the data set of a split, hearing what the transforms make."""
    options = copy.deepcopy(loader_of(config, split).dataset)
    for inner in innermost_datasets(options):
        inner.pipeline = hear(inner.pipeline, *transforms)
    return DATASETS.build(options)


def own_metric(config: Config) -> dict:
    """Choose what gives J: a semantic config's metric, or AVSMetric."""
    semantic = [e for e in evaluators_of(config) if e['type'] == 'AVSSMetric']
    return semantic[0] if semantic else dict(type='AVSMetric')


@torch.no_grad()
def measure(model, dataset, metric, label: str) -> dict:
    """Run all clips through the model and a metric."""
    metric.dataset_meta = dataset.metainfo
    for index in track(range(len(dataset)), label):
        samples = model.test_step(pseudo_collate([dataset[index]]))
        metric.process(None, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(dataset))


def main() -> None:
    args = parse_args()
    keep_inputs([args.config, args.checkpoint], [args.out])
    register_all_modules()
    config = config_to_look_at(
        args.config, args.cfg_options, args.synthetic, args.split
    )
    model = init_model(config, args.checkpoint, args.device)
    own = build_dataset(config, args.split)
    sounds = unmatching_sounds(clip_contents(own), args.seed)
    conditions = dict(
        silent=muted(), unmatching=[dict(type='GivenAudio', sounds=sounds)]
    )
    metric = METRICS.build(own_metric(config))
    figures = measure(model, own, metric, 'own sound')
    figures = {'own/J': figures['mIoU']}
    for name, transforms in conditions.items():
        metric = METRICS.build(
            dict(type='AudioSensitivityMetric', condition=name)
        )
        dataset = build_dataset(config, args.split, *transforms)
        figures.update(measure(model, dataset, metric, f'{name} sound'))
    table = PrettyTable(['sound', 'mIoU', 'RA', 'J'])
    table.add_row(['own', '-', '-', f'{figures["own/J"]:.2f}'])
    for name in conditions:
        cells = [f'{figures[f"{name}/{key}"]:.2f}' for key in ('mIoU', 'RA')]
        table.add_row([name, *cells, '-'])
    print(f'{len(own)} clips of {args.split}')
    print(table)
    if model.threshold != DEFAULT_THRESHOLD:
        print(f'pixels sound above a probability of {model.threshold}')
    if args.out:
        write_text(args.out, json.dumps(figures, indent=1))


if __name__ == '__main__':
    run_script(main)

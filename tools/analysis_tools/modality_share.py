"""Share of sound and of sight in the final feature of models (AVSAC, Fig. 1).

    python tools/analysis_tools/modality_share.py \
        --model configs/avsac/avsac_pvt_ms3.py avsac.pth \
        --model configs/tpavi/tpavi_pvt_ms3.py tpavi.pth \
        --out share.png [--synthetic] [--num-clips 64]

The measure is a variance decomposition: how much the feature moves when a
clip is given another clip's sound, against another clip's frames. Its
definition and the reasons for it stand in mmavs/analysis/modality_share.py.
Writes a bar chart and, beside it, the numbers as JSON.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Dict

from mmengine.config import DictAction

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.modality_share import ModalityShare, measure_share
from mmavs.apis import init_model
from mmavs.command_line import run_script
from mmavs.engine.run_config import config_to_look_at
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.whole_files import whole_file, write_text
from mmavs.registry import DATASETS
from mmavs.utils import register_all_modules


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--model',
        nargs='+',
        action='append',
        required=True,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='config file and checkpoint; without one, random weights. '
        'Repeat for several models',
    )
    parser.add_argument('--out', default='work_dirs/modality_share.png')
    parser.add_argument('--num-clips', type=int, help='of the test split')
    parser.add_argument(
        '--layer',
        help='module whose input is the final feature; the last conv_seg '
        'unless given',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument(
        '--synthetic', action='store_true', help='on the synthetic set'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='fields to override in every config',
    )
    args = parser.parse_args()
    for model in args.model:
        if len(model) > 2:
            parser.error(f'--model takes a config and a checkpoint: {model}')
    return args


def measure(
    config_path: str, checkpoint: str, args: argparse.Namespace
) -> ModalityShare:
    """Build one model and its test split, and measure."""
    tool = f'{sys.argv[0]} --model'
    config = config_to_look_at(
        config_path, args.cfg_options, args.synthetic, tool=tool
    )
    dataset = DATASETS.build(config.test_dataloader.dataset)
    model = init_model(config, checkpoint, args.device)
    return measure_share(model, dataset, args.num_clips, args.layer, args.seed)


def plot(shares: Dict[str, ModalityShare], path: Path) -> None:
    """Draw one bar a model, sound and sight adding up to 100 %."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1.2 + 0.5 * len(shares)))
    axes = figure.add_subplot()
    names = list(shares)
    sound = [100 * share.sound for share in shares.values()]
    reach = [
        [100 * (s.sound - s.low) for s in shares.values()],
        [100 * (s.high - s.sound) for s in shares.values()],
    ]
    axes.barh(
        names, sound, xerr=reach, color='tab:orange', capsize=3, label='sound'
    )
    axes.barh(
        names,
        [100 - value for value in sound],
        left=sound,
        color='tab:blue',
        label='sight',
    )
    for name, value in zip(names, sound):
        axes.text(99, name, f'{value:.1f} %', ha='right', va='center', c='w')
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel('share of the final feature, %; number: sound')
    axes.legend(loc='lower right', bbox_to_anchor=(1, 1), ncols=2)
    figure.tight_layout()
    FigureCanvasAgg(figure).print_png(str(path))


def main() -> None:
    """Measure, print, draw."""
    args = parse_args()
    out = Path(args.out)
    given = [path for model in args.model for path in model]
    keep_inputs(given, [out, out.with_suffix('.json')])
    register_all_modules()
    shares: Dict[str, ModalityShare] = {}
    for config, *checkpoint in args.model:
        name = Path(config).stem
        if name in shares:  # one config, several checkpoints
            name = f'{name}, {"".join(checkpoint) or "random weights"}'
        shares[name] = measure(config, *(checkpoint or [None]), args)
        share = shares[name]
        print(
            f'{name}: sound {100 * share.sound:.2f} % '
            f'({100 * share.low:.2f} to {100 * share.high:.2f}), '
            f'sight {100 - 100 * share.sound:.2f} %, '
            f'{share.num_clips} clips'
        )
    with whole_file(out) as partial:
        plot(shares, partial)
    numbers = {name: share._asdict() for name, share in shares.items()}
    write_text(out.with_suffix('.json'), json.dumps(numbers, indent=2))
    print(f'{out} and {out.with_suffix(".json")}')


if __name__ == '__main__':
    run_script(main)

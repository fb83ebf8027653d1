r"""What kernels, CUDA graphs and half precision gain on the GPU at hand.

    python tools/analysis_tools/benchmark_gpu.py [CONFIG ...] \
        [--precision fp32 bf16 fp16] [--repeats 20] [--size 224]

Samples of deformable attention (AVSegFormer's encoder at 512 px) by each form
that runs here, forward, and forward and backward; then, of each config, the
network on one clip kernel by kernel and replayed from a CUDA graph. Weights,
frames and sound are random. Every table is headed by the name of the card.
Training steps and shares of the card's own peak are benchmark.py's.
"""

import argparse
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Dict, List

import torch
from mmengine.config import DictAction
from rich.console import Console
from rich.table import Table

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.complexity import (
    DEFAULT_FRAMES,
    audio_shape,
    frame_size,
)
from mmavs.analysis.gpu_speed import Row, network_rows, sampling_rows
from mmavs.analysis.measure import machine_name
from mmavs.analysis.workloads import RunSetting, build_form
from mmavs.command_line import run_script
from mmavs.compat import has_compiled_ops
from mmavs.engine.run_config import (
    check_model,
    drop_pretrained,
    load_config,
    padded_frames,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.whole_files import write_text
from mmavs.models.layers.deformable_attention import HAS_TRITON
from mmavs.models.precision import PRECISIONS
from mmavs.utils import register_all_modules


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('configs', nargs='*', help='config files; weights are random')
    add('--precision', nargs='+', choices=PRECISIONS, default=list(PRECISIONS))
    add('--repeats', type=int, default=20, help='timed runs of each')
    add('--size', type=int, help="side of a frame; by default the test's")
    add('--out', help='also write the figures to this json file')
    add('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


@dataclass
class Figures:
    """What was measured, as it is written to a file."""

    card: str
    versions: Dict[str, str]
    rows: Dict[str, List[dict]] = field(default_factory=dict)


def forms() -> List[str]:
    """Forms of deformable attention's samples that run here."""
    here = dict(triton=HAS_TRITON, mmcv=has_compiled_ops(), torch=True)
    return [form for form, runs in here.items() if runs]


def rows_of(path: str, args: argparse.Namespace) -> List[Row]:
    """One config's network in every precision."""
    config = load_config(path, args.cfg_options)
    check_model(config, path)
    drop_pretrained(config._cfg_dict)
    frames = padded_frames(config) or DEFAULT_FRAMES
    shape = None
    if config.model.get('audio_encoder'):
        shape = audio_shape(config, frames)[1:]
    size = (args.size, args.size) if args.size else frame_size(config)
    model, _ = build_form(config, 'mmavs', 'cuda')
    found = []
    for precision in args.precision:
        setting = RunSetting(frames, size, shape, 'cuda', precision)
        found += network_rows(model, setting, args.repeats)
    return found


def show(title: str, rows: List[Row]) -> Table:
    """Draw the rows of one subject."""
    table = Table('what', 'precision', 'ms', 'peak MB', title=title)
    for row in rows:
        table.add_row(
            *(row.what, row.precision, str(row.seconds)),
            f'{row.peak / 2**20:.0f}',
        )
    return table


def main() -> None:
    """Measure.

    Raises:
        ValueError: There is no GPU.
    """
    args = parse_args()
    keep_inputs(args.configs, [args.out])
    if not torch.cuda.is_available():
        raise ValueError(
            'benchmark_gpu.py measures a CUDA device, and PyTorch finds none '
            'here. Fix: run it where nvidia-smi lists a card; on a CPU take '
            'tools/analysis_tools/benchmark.py.'
        )
    register_all_modules()
    device = torch.device('cuda')
    figures = Figures(
        machine_name(device),
        dict(torch=torch.__version__, cuda=str(torch.version.cuda)),
    )
    found = {
        'deformable attention at 512 px': sampling_rows(
            device, forms(), args.repeats, args.precision
        )
    }
    for path in args.configs:
        found[Path(path).stem] = rows_of(path, args)
    console = Console()
    wide = console if console.is_terminal else Console(width=120)
    for name, rows in found.items():
        wide.print(show(f'{name}, {figures.card}', rows))
        figures.rows[name] = [row._asdict() for row in rows]
    if args.out:
        write_text(args.out, json.dumps(asdict(figures), indent=2))


if __name__ == '__main__':
    run_script(main)

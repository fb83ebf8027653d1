"""Write docs/en/model_zoo.md: every config, what it costs, what is reported.

    python tools/misc/make_model_zoo.py [--out docs/en/model_zoo.md] [--check]

Parameters and MACs are counted here (tools/analysis_tools/get_flops.py), one
clip per config. Scores come from the ``Results`` of each folder's
``metafile.yaml`` and carry its ``Source``. ``--check`` writes nothing and
fails if the page would change.
"""

import argparse
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

import yaml

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.complexity import Complexity, clip_complexity
from mmavs.command_line import run_script
from mmavs.engine.run_config import load_config
from mmavs.files.whole_files import write_text
from mmavs.utils import register_all_modules

ROOT = Path(__file__).resolve().parents[2]
HEAD = """\
# Model zoo

<!-- Made by `python tools/misc/make_model_zoo.py`; edits by hand are lost. -->

Train, test and take apart any row:

```bash
python tools/train.py CONFIG
python tools/test.py CONFIG CHECKPOINT
python tools/analysis_tools/get_flops.py CONFIG
```

**Parameters** (millions) are those that take part, the sound encoder apart;
what only training uses (auxiliary losses) counts. **MACs** (multiply-
accumulates, billions) are of one whole clip in inference, sound encoder
included: matrix products, convolutions, attention and sampling. Both are
counted here, by the last command above. **J** is mIoU and **F** the
F-measure, percent; the last column says whose figures they are. Published
figures were made under different protocols (clips per batch, frame size): see
each folder's README before comparing them.
"""
COLUMNS = (
    'config',
    'frames',
    'parameters (M)',
    'sound encoder (M)',
    'MACs (G)',
    'J',
    'F',
    'source',
)


class Entry(NamedTuple):
    """One row of the page.

    Attributes:
        path (Path): Config file.
        complexity (Complexity): Of one clip.
        results (list[dict]): ``Results`` of the folder's metafile.
    """

    path: Path
    complexity: Complexity
    results: List[dict]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--out', type=Path, default=ROOT / 'docs' / 'en' / 'model_zoo.md'
    )
    parser.add_argument(
        '--check', action='store_true', help='fail if the page would change'
    )
    return parser.parse_args()


def folders(root: Path) -> Iterator[Path]:
    """Method folders, those of the small synthetic models last."""
    found = [
        f
        for f in (root / 'configs').iterdir()
        if f.is_dir() and not f.name.startswith('_') and any(f.glob('*.py'))
    ]
    yield from sorted(found, key=lambda f: (f.name == 'synthetic', f.name))


def read_metafile(folder: Path) -> dict:
    """Read ``metafile.yaml``; empty without one."""
    path = folder / 'metafile.yaml'
    return yaml.safe_load(path.read_text()) if path.is_file() else {}


def results_by_config(metafile: dict) -> Dict[str, List[dict]]:
    """Map a config's file name to its ``Results``."""
    results = {}
    for model in metafile.get('Models', []):
        given = model.get('Results') or []
        given = [given] if isinstance(given, dict) else given
        results[Path(model['Config']).name] = given
    return results


def entries(folder: Path) -> Iterator[Entry]:
    """Count every config of a folder."""
    results = results_by_config(read_metafile(folder))
    for path in sorted(folder.glob('*.py')):
        print(path.relative_to(ROOT), file=sys.stderr)
        complexity = clip_complexity(load_config(str(path)))
        yield Entry(path, complexity, results.get(path.name, []))


def section(folder: Path, rows: List[Entry], page: Path) -> str:
    """One method: heading, papers, table."""
    collections = read_metafile(folder).get('Collections', [])
    names = [collection['Name'] for collection in collections]
    lines = [f'\n## {", ".join(names) or folder.name}\n']
    for collection in collections:
        papers = collection.get('Paper') or []
        for paper in [papers] if isinstance(papers, dict) else papers:
            lines.append(f'[{paper["Title"]}]({paper["URL"]})\n')
    table = line(COLUMNS) + line(['---'] * len(COLUMNS))
    table += ''.join(row(entry, page) for entry in rows)
    return '\n'.join([*lines, table])


def row(entry: Entry, page: Path) -> str:
    """One config; a config with several results shows the first."""
    cost = entry.complexity
    height, width = cost.size
    parameters = dict(cost.parameters)
    sound = parameters.pop('audio_encoder', 0)
    result = entry.results[0] if entry.results else {}
    metrics = result.get('Metrics', {})
    name = entry.path.relative_to(ROOT).as_posix()
    up = '../' * len(page.relative_to(ROOT).parent.parts)
    cells = (
        f'[`{name}`]({up}{name})',
        f'{cost.num_frames} of {height} x {width}',
        millions(sum(parameters.values())),
        millions(sound) if sound else '',
        f'{sum(cost.macs.values()) / 1e9:.1f}',
        percent(metrics.get('mIoU')),
        percent(metrics.get('mFscore')),
        result.get('Source', ''),
    )
    return line(cells)


def line(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |\n'


def millions(count: int) -> str:
    return f'{count / 1e6:.2f}'


def percent(value: Optional[float]) -> str:
    return '' if value is None else f'{value:.1f}'


def main() -> None:
    args = parse_args()
    register_all_modules()
    page = HEAD + ''.join(
        section(folder, list(entries(folder)), args.out.resolve())
        for folder in folders(ROOT)
    )
    if not args.check:
        write_text(args.out, page)
        print(f'wrote {args.out}')
    elif not args.out.is_file() or args.out.read_text() != page:
        sys.exit(
            f'{args.out} is not what the configs give. Fix: '
            'python tools/misc/make_model_zoo.py'
        )


if __name__ == '__main__':
    run_script(main)

"""A page to upload a video and see what sounds.

    python demo/web_demo.py [MODEL=WEIGHTS ...]

MODEL is a name or a config file, WEIGHTS its checkpoint; "=WEIGHTS" may be
left out for a model of "mmavs weights". Without any the page has the model
that is part of mmavs, which knows moving shapes, not the world.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Optional, Tuple

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.model_index import (
    EXAMPLE_MODEL,
    find_config,
    released,
    resource_root,
)
from mmavs.web.jobs import Jobs, Limits
from mmavs.web.page import build_page, examples_of, import_gradio
from mmavs.web.visits import Visits


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'models',
        nargs='*',
        type=model_and_weights,
        default=[(EXAMPLE_MODEL, None)],
        metavar='MODEL=WEIGHTS',
    )
    parser.add_argument('--device', help='e.g. cpu or cuda:0')
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, default=7860)
    parser.add_argument(
        '--max-seconds',
        type=at_least_one,
        default=Limits().seconds,
        help='length of a video that is taken',
    )
    parser.add_argument(
        '--max-mb',
        type=at_least_one,
        default=Limits().megabytes,
        help='size of a file that is taken',
    )
    args = parser.parse_args()
    names = [model for model, _ in args.models]
    if len(set(names)) < len(names):
        parser.error(
            f'a model is given twice, of {names}. Fix: copy its config for '
            'other weights, since the page tells models by their names'
        )
    return args


def at_least_one(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f'{text} is not a whole number of at least 1'
        )
    return int(text)


def model_and_weights(text: str) -> Tuple[str, Optional[str]]:
    """Split MODEL=WEIGHTS, and look for both; no weights if released."""
    model, sign, weights = text.partition('=')
    if not sign and released(model):
        return model, None
    if not sign or not model or not weights:
        raise argparse.ArgumentTypeError(
            f'not of the form MODEL=WEIGHTS: {text}'
        )
    if '://' not in weights and not Path(weights).is_file():
        raise argparse.ArgumentTypeError(f'checkpoint not found: {weights}')
    try:
        find_config(model)
    except FileNotFoundError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return model, weights


def main() -> None:
    """Serve the page until it is stopped; nothing of it stays on the disk."""
    args = parse_args()
    limits = Limits(args.max_seconds, args.max_mb)
    with tempfile.TemporaryDirectory(prefix='mmavs_') as folder:
        # what lies there is served, and not copied once more
        os.environ['GRADIO_TEMP_DIR'] = folder
        import_gradio()
        examples = examples_of(resource_root())
        jobs = Jobs(dict(args.models), args.device, limits, examples)
        jobs.load(args.models[0][0])  # what is wrong with it is said now
        page = build_page(jobs, Visits(Path(folder)))
        page.queue(max_size=limits.waiting, default_concurrency_limit=1)
        page.launch(
            server_name=args.host,
            server_port=args.port,
            max_file_size=f'{limits.megabytes}mb',
        )


if __name__ == '__main__':
    run_script(main)

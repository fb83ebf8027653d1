"""A page to upload a video and see what sounds.

    python demo/web_demo.py MODEL=WEIGHTS [MODEL=WEIGHTS ...]

MODEL is a name or a config file, WEIGHTS its checkpoint; "=WEIGHTS" may be
left out for a model of "mmavs weights".
"""

import argparse
import functools
import itertools
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.apis import AVSInferencer, init_model
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.model_index import find_config, released


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'models', nargs='+', type=model_and_weights, metavar='MODEL=WEIGHTS'
    )
    parser.add_argument('--device', help='e.g. cpu or cuda:0')
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, default=7860)
    args = parser.parse_args()
    names = [model for model, _ in args.models]
    if len(set(names)) < len(names):
        parser.error(
            f'a model is given twice, of {names}. Fix: copy its config for '
            'other weights, since the page tells models by their names'
        )
    return args


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


def import_gradio():
    """Import gradio, or say how to get it."""
    try:
        import gradio
    except ImportError as error:
        raise ImportError(
            f'the web demo needs gradio ({error}). Fix: pip install '
            '"gradio>=5".'
        ) from None
    return gradio


class Segmenter:
    """Keeps the models that were asked for.

    Args:
        weights (dict): Model to checkpoint; None for the released one.
        device (str, optional): Where models run.
    """

    def __init__(
        self, weights: Dict[str, Optional[str]], device: Optional[str] = None
    ) -> None:
        self.weights, self.device = weights, device
        self.load = functools.lru_cache(maxsize=2)(self._load)
        self._folder = tempfile.TemporaryDirectory(prefix='mmavs_')
        self._count = itertools.count()

    def _load(self, model: str):
        return init_model(model, self.weights[model], self.device)

    def __call__(
        self, video: str, model: str, fps: int
    ) -> Tuple[str, List[list]]:
        """Segment an uploaded video.

        Returns:
            tuple: The overlay's path, and rows (seconds, object, share of the
            picture in percent, sounding); of a file that is cut off, what is
            missing comes first.

        Raises:
            ValueError: No video was given, or it cannot be used.
        """
        if not video:
            raise ValueError('upload a video first')
        inferencer = AVSInferencer(self.load(model), fps=int(fps))
        overlay = Path(self._folder.name) / f'{next(self._count)}.mp4'
        summary = inferencer(video, out_video=overlay, progress=False)
        rows = [
            [
                f'{part["start"]:g} to {part["end"]:g}',
                f'no {part["what"]}: the file is cut off',
                0.0,
                'no',
            ]
            for part in summary['missing']
        ]
        rows += [
            [
                f'{row["start"]:g} to {row["end"]:g}',
                found['name'],
                round(100 * found['area'], 1),
                'yes' if found['sounding'] else 'no',
            ]
            for row in summary['masks']
            for found in row['objects']
        ]
        return summary['overlay'], rows


def build_page(segmenter: Segmenter):
    """Lay the page out.

    Args:
        segmenter (Segmenter): Does the work.

    Returns:
        gradio.Blocks: Not launched yet.
    """
    gradio = import_gradio()
    names = list(segmenter.weights)

    def segment(video, model, fps):
        try:
            return segmenter(video, model, fps)
        except (ValueError, RuntimeError, OSError) as error:
            raise gradio.Error(str(error)) from error

    with gradio.Blocks(
        title='mmavs', delete_cache=(3600, 86400), analytics_enabled=False
    ) as page:
        gradio.Markdown('# What sounds in this video?')
        with gradio.Row():
            with gradio.Column():
                video = gradio.Video(label='Video with sound')
                model = gradio.Dropdown(names, value=names[0], label='Model')
                fps = gradio.Slider(
                    1, 8, value=1, step=1, label='Masks per second'
                )
                button = gradio.Button('Segment', variant='primary')
            with gradio.Column():
                overlay = gradio.Video(label='Overlay')
                table = gradio.Dataframe(
                    headers=['seconds', 'object', '% of picture', 'sounds'],
                    label='Objects',
                )
        button.click(segment, [video, model, fps], [overlay, table])
    return page


def main() -> None:
    args = parse_args()
    page = build_page(Segmenter(dict(args.models), args.device))
    page.queue().launch(server_name=args.host, server_port=args.port)


if __name__ == '__main__':
    run_script(main)

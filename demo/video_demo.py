"""Segment what sounds in a video.

    python demo/video_demo.py VIDEO [MODEL [WEIGHTS]]
    python demo/video_demo.py VIDEO MODEL.onnx
    python demo/video_demo.py --example

writes VIDEO's overlay with its sound, VIDEO_mmavs.mp4, into the current
folder. --example takes a clip and a small model that are part of mmavs, and
needs no net: that model knows moving shapes, not the world. MODEL.onnx is what
tools/deployment/export.py wrote; it runs where there is no PyTorch.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.apis.outputs import Outputs
from mmavs.command_line import run_script
from mmavs.commands import in_commands, program
from mmavs.media.sources import Media, find_media
from mmavs.model_index import DEFAULT_MODEL, EXAMPLE_MODEL, example_video

if TYPE_CHECKING:
    from mmavs.apis import AVSInferencer

EXPORTED = '.onnx'
# what an exported model has in itself
_NOT_OF_EXPORTED = (
    *('weights', 'device', 'clip_frames', 'carry_memory'),
    *('random_weights', 'precision'),
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program(),
        description=in_commands(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source_arguments(parser)
    add_output_arguments(parser)
    add_run_arguments(parser)
    if not any(word.endswith(EXPORTED) for word in sys.argv):
        from mmengine.config import DictAction

        parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_intermixed_args()
    choose_source(parser, args)
    args.exported = args.model.endswith(EXPORTED)
    for name in _NOT_OF_EXPORTED:
        if args.exported and getattr(args, name):
            parser.error(
                f'{args.model} has its {name.replace("_", " ")} in itself: '
                'leave that out'
            )
    return args


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that say what is seen and heard, and by which model."""
    parser.add_argument(
        'video',
        nargs='?',
        help='video file, or a folder with one picture per second and a wav '
        'file',
    )
    parser.add_argument(
        'model',
        nargs='?',
        help='name of a model ("mmavs models" lists them), config file or '
        'MODEL.onnx; '
        f'{DEFAULT_MODEL} by default, whose weights are fetched at the first '
        'use',
    )
    parser.add_argument(
        'weights',
        nargs='?',
        help='checkpoint; may be left out for a model of "mmavs weights"',
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        '--camera',
        nargs='?',
        const=0,
        type=number_of_camera,
        metavar='N',
        help='in place of VIDEO: the camera and the microphone of this '
        'machine, until Ctrl-C',
    )
    instead.add_argument(
        '--example',
        action='store_true',
        help='in place of VIDEO: the clip that is part of mmavs, and without '
        f'MODEL the model that is, {EXAMPLE_MODEL}',
    )
    parser.add_argument(
        '--audio',
        metavar='mute|noise|FILE',
        help='what the model hears in place of the own sound: silence, white '
        'noise, or a sound file; it shows whether a model listens',
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that say how the model runs."""
    parser.add_argument(
        '--fps',
        type=int,
        default=1,
        help='masks per second (1 as trained); the overlay shows 6 at least, '
        'fitted to what moves',
    )
    parser.add_argument(
        '--clip-frames', type=int, help='frames in a clip, as trained'
    )
    parser.add_argument('--batch-size', type=int, default=1, help='clips')
    parser.add_argument(
        '--carry-memory',
        action='store_true',
        default=None,
        help='let a clip look back at those before it (AuralSAM2)',
    )
    parser.add_argument('--device', help='e.g. cpu or cuda:0')
    parser.add_argument(
        '--precision',
        choices=('fp32', 'bf16', 'fp16'),
        help='in which the network computes; fp32 by default',
    )
    parser.add_argument(
        '--random-weights',
        action='store_true',
        help='run without weights, to try the way and the speed',
    )


def choose_source(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """Take what is given in place of VIDEO, and default models."""
    if args.example or args.camera is not None:
        if args.weights is not None:
            parser.error(
                '--camera and --example stand in place of VIDEO: leave it out'
            )
        args.video, args.model, args.weights = None, args.video, args.model
    elif args.video is None:
        parser.error('give VIDEO, --camera or --example')
    if args.example:
        args.video = str(example_video())
    if args.model is None:
        args.model = EXAMPLE_MODEL if args.example else DEFAULT_MODEL


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that say what is written."""
    overlay = parser.add_mutually_exclusive_group()
    overlay.add_argument(
        '--out-video',
        metavar='FILE.mp4',
        help='overlay; VIDEO_mmavs.mp4 in the current folder by default',
    )
    overlay.add_argument(
        '--no-video', action='store_true', help='write no overlay'
    )
    parser.add_argument(
        '--alpha',
        metavar='FILE',
        help='what sounds, for a video editor: FILE.mov (ProRes 4444) or '
        'FILE.webm (VP9), the rest transparent; or FILE.mp4, a matte',
    )
    parser.add_argument('--out', metavar='DIR', help='write one PNG per mask')
    parser.add_argument(
        '--json',
        metavar='FILE',
        help="write what sounds when and where: boxes, masks in COCO's "
        'run-length code, scores',
    )
    parser.add_argument(
        '--opacity', type=opacity, default=0.6, help='of the paint, 0 to 1'
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace outputs that exist, and clear DIR of what an earlier '
        'run wrote there',
    )


def opacity(text: str) -> float:
    """Read a number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f'{text} is not in 0..1')
    return value


def number_of_camera(text: str) -> int:
    """Read which camera."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(
            f'{text} is not the number of a camera. Fix: put --camera last, '
            'or give its number'
        )
    return int(text)


def default_overlay(video: Optional[str]) -> str:
    """Name the overlay after the video or the folder."""
    if video is None:
        return 'camera_mmavs.mp4'
    path = Path(video)
    name = path.resolve().name if path.is_dir() else path.stem
    return f'{name}_mmavs.mp4'


def build(args: argparse.Namespace) -> 'AVSInferencer':
    """Build the model, with its weights."""
    from mmavs.apis import AVSInferencer, init_model

    model, weights, device = args.model, args.weights, args.device
    options = args.cfg_options
    if args.random_weights:
        model = init_model(model, 'random', device, options)
        weights = device = options = None
    return AVSInferencer(
        model,
        weights,
        device,
        fps=args.fps,
        clip_frames=args.clip_frames,
        batch_size=args.batch_size,
        cfg_options=options,
        carry_memory=args.carry_memory,
        precision=args.precision,
    )


def main() -> int:
    """Segment a video; exit code 1 if a part of it is missing."""
    args = parse_args()
    if args.camera is None:
        summary = segment(args, find_media(args.video, args.audio))
    else:
        from mmavs.media.camera import camera, until_interrupted

        with until_interrupted() as stopped:
            moments = camera(args.camera, stopped=stopped)
            summary = segment(args, find_media(moments, args.audio))
    sounding = sum(
        any(o['sounding'] for o in row['objects']) for row in summary['masks']
    )
    print(
        f'{len(summary["masks"])} masks by {args.model}, {sounding} of them '
        f'not empty, in {summary["seconds_taken"]} s on {summary["device"]}'
    )
    written = (summary[name] for name in ('overlay', 'alpha', 'mask_dir'))
    for path in (*written, args.json):
        if path:
            print(path)
    return 1 if summary['missing'] else 0


def segment(args: argparse.Namespace, media: Media) -> dict:
    """Run the model; what is wrong with files is said before it is built."""
    video = args.out_video or default_overlay(args.video)
    video = None if args.no_video else video
    outputs = Outputs(
        video=video,
        alpha=args.alpha,
        folder=args.out,
        summary=args.json,
        overwrite=args.overwrite,
    )
    outputs.check(media)
    if args.exported:
        from mmavs.deployment.onnx_video import OnnxInferencer

        inferencer = OnnxInferencer(
            args.model, fps=args.fps, batch_size=args.batch_size
        )
        return inferencer(media, outputs=outputs, opacity=args.opacity)
    return build(args)(
        media,
        out_video=video,
        out_alpha=args.alpha,
        out_dir=args.out,
        out_json=args.json,
        opacity=args.opacity,
        overwrite=args.overwrite,
    )


if __name__ == '__main__':
    run_script(main)

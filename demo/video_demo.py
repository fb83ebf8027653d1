"""Segment what sounds in a video.

    python demo/video_demo.py VIDEO MODEL WEIGHTS

writes VIDEO's overlay with its sound, VIDEO_mmavs.mp4, into the current
folder.
"""

import argparse
from pathlib import Path

from mmengine.config import DictAction

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.apis import AVSInferencer, init_model
from mmavs.utils.command_line import run_script


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'video',
        help='video file, or a folder with one picture a second and a wav '
        'file',
    )
    parser.add_argument(
        'model',
        help='name of a model (see mmavs.apis.list_models) or config file',
    )
    parser.add_argument(
        'weights',
        nargs='?',
        help='checkpoint; may be left out for a model with published weights',
    )
    parser.add_argument('--audio', help='sound file in place of the own sound')
    add_output_arguments(parser)
    parser.add_argument(
        '--fps', type=int, default=1, help='masks per second (1 as trained)'
    )
    parser.add_argument(
        '--clip-frames', type=int, help='frames in a clip, as trained'
    )
    parser.add_argument('--batch-size', type=int, default=1, help='clips')
    parser.add_argument('--device', help='e.g. cpu or cuda:0')
    parser.add_argument(
        '--random-weights',
        action='store_true',
        help='run without weights, to try the way and the speed',
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_intermixed_args()


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that say what is written."""
    parser.add_argument(
        '--out-video',
        metavar='FILE.mp4',
        help='overlay; VIDEO_mmavs.mp4 in the current folder by default',
    )
    parser.add_argument(
        '--no-video', action='store_true', help='write no overlay'
    )
    parser.add_argument('--out', metavar='DIR', help='write one PNG a mask')
    parser.add_argument(
        '--json', metavar='FILE', help='write what sounds when'
    )
    parser.add_argument(
        '--opacity', type=float, default=0.6, help='of the paint, 0 to 1'
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace outputs that exist'
    )


def main() -> None:
    args = parse_args()
    model, weights, device = args.model, args.weights, args.device
    options = args.cfg_options
    if args.random_weights:
        model = init_model(model, None, device, options)
        weights = device = options = None
    inferencer = AVSInferencer(
        model,
        weights,
        device,
        fps=args.fps,
        clip_frames=args.clip_frames,
        batch_size=args.batch_size,
        cfg_options=options,
    )
    out_video = args.out_video or f'{Path(args.video).stem}_mmavs.mp4'
    summary = inferencer(
        args.video,
        args.audio,
        out_video=None if args.no_video else out_video,
        out_dir=args.out,
        out_json=args.json,
        opacity=args.opacity,
        overwrite=args.overwrite,
    )
    sounding = sum(
        any(o['sounding'] for o in row['objects']) for row in summary['masks']
    )
    print(
        f'{len(summary["masks"])} masks, {sounding} of them not empty, in '
        f'{summary["seconds_taken"]} s on {summary["device"]}'
    )
    for path in (summary['overlay'], summary['mask_dir'], args.json):
        if path:
            print(path)


if __name__ == '__main__':
    run_script(main)

"""Where the tools that score files get their clips from."""

import argparse
from functools import partial
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

from mmavs.datasets.avss_classes import AVSS_CLASSES, voc_palette
from mmavs.files.text_files import read_text

from .dump_reader import read_dump
from .mask_folders import find_clips, pair_clips, read_names, read_samples
from .mask_readers import read_binary, read_labels, read_soft


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say what is scored, and against what."""
    parser.add_argument('predictions', help='a .pkl, or a folder of masks')
    parser.add_argument('--gt', help='folder of ground truth masks')
    parser.add_argument(
        '--clips', help='csv or text file: which clips, in dataset order'
    )
    parser.add_argument('--split', help='rows of the csv to take')
    parser.add_argument(
        '--classes',
        help='text file, one class per line, background first; default: those '
        'that a dump names, else the 71 of AVSBench-semantic',
    )
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        metavar=('WIDTH', 'HEIGHT'),
        help='resize ground truth (nearest) to the size of the predictions',
    )
    parser.add_argument(
        '--resize-backend',
        choices=('pillow', 'cv2'),
        default='pillow',
        help="as the pipeline's Resize(backend=...); released loaders use "
        'pillow, the default here; mmcv defaults to cv2',
    )


def source_files(args: argparse.Namespace) -> List[Optional[str]]:
    """List the files and folders of :func:`add_source` that are read."""
    return [args.predictions, args.gt, args.clips, args.classes]


def read_classes(path: Optional[str]) -> dict:
    """Give names and colours of the classes.

    Args:
        path (str, optional): Text file, one class per line. Defaults to the
            classes of AVSBench-semantic.

    Returns:
        dict: ``classes`` and ``palette``.

    Raises:
        ValueError: The file names no class, or one twice.
    """
    names = AVSS_CLASSES
    if path:
        lines = read_text(path).splitlines()
        names = tuple(line.strip() for line in lines if line.strip())
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice or not names:
            raise ValueError(
                f'{path} names {f"{twice} twice" if twice else "no class"}. '
                'Fix: write one class per line, background first.'
            )
    return dict(classes=names, palette=voc_palette(len(names)))


def open_predictions(
    args: argparse.Namespace,
) -> Tuple[Iterator[dict], dict]:
    """Open a dump or folders of masks.

    Args:
        args (argparse.Namespace): Of :func:`add_source`, with ``semantic``
            and ``soft``.

    Returns:
        tuple[Iterator[dict], dict]: Clips, as :meth:`AVSDataSample.to_dict`
        gives them, and ``classes`` and ``palette``.

    Raises:
        FileNotFoundError: A file or folder is absent.
        ValueError: Files that cannot be read or paired, or ``--classes`` that
            are not as many as the dump's.
    """
    meta = read_classes(args.classes)
    path = Path(args.predictions)
    if path.suffix not in ('.pkl', '.pickle'):
        return _open_masks(path, args, meta), meta
    clips = read_dump(path)
    named = clips[0].get('classes') if clips else None
    if named and not args.classes:
        meta = dict(classes=tuple(named), palette=voc_palette(len(named)))
    elif named and len(named) != len(meta['classes']):
        raise ValueError(
            f'{path} is of {len(named)} classes, {args.classes} names '
            f'{len(meta["classes"])}. Fix: leave --classes out'
        )
    return iter(clips), meta


def _open_masks(
    path: Path, args: argparse.Namespace, meta: dict
) -> Iterator[dict]:
    if not path.is_dir():
        raise FileNotFoundError(
            f'{path} is neither a .pkl nor a folder of masks'
        )
    if args.gt is None:
        raise ValueError(
            'masks are scored against ground truth. Fix: give its folder '
            'with --gt'
        )
    names = read_names(args.clips, args.split) if args.clips else None
    pairs = pair_clips(
        find_clips(path), find_clips(args.gt), names, args.clips
    )
    read_truth = partial(
        read_labels if args.semantic else read_binary,
        size=args.size,
        backend=args.resize_backend,
    )
    read_prediction = read_soft if args.soft else read_binary
    if args.semantic:
        read_truth = partial(read_truth, **meta)
        read_prediction = partial(read_labels, **meta)
    return read_samples(
        pairs, read_prediction, read_truth, args.semantic, find_groups(args.gt)
    )


def find_groups(folder: str) -> dict:
    """Look up 'constant' or 'switching' of synthetic clips."""
    from mmavs.datasets.synthetic import read_side_file

    path = Path(folder).resolve()
    for root in (path, *path.parents):
        side = read_side_file(root)
        if side:
            return {
                name: clip.get('group') for name, clip in side['clips'].items()
            }
    return {}

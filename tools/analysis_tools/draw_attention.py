"""Draw what a model attends to over the frames of clips.

    python tools/analysis_tools/draw_attention.py CONFIG [CHECKPOINT] \
        [--out DIR] [--split test] [--clips ID ...] [--module NAME] \
        [--scales -1] [--synthetic]

Works with every module that has ``attention_maps``, e.g. TPAVI (alpha of
Eq. 1 and Figure 12 of arXiv 2301.13190). One sheet a clip: frames, one row a
module and scale, prediction, and the log-mel of each second. Bright is high;
the range is that of the clip.
"""

import argparse
from pathlib import Path
from typing import Dict, List, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import DictAction
from mmengine.dataset import pseudo_collate

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.attention import collect_attention
from mmavs.apis import init_model
from mmavs.command_line import run_script
from mmavs.datasets.find_clips import find_clips
from mmavs.engine.hooks.visualization_hook import as_log_mel
from mmavs.engine.run_config import (
    config_to_look_at,
    innermost_datasets,
    loader_of,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.names import flat_name
from mmavs.files.output_folder import OutputFolder
from mmavs.files.whole_files import write_picture
from mmavs.registry import DATASETS
from mmavs.utils import register_all_modules
from mmavs.visualization import log_mel_strip, overlay, sheet
from mmavs.visualization.heat_map import heat_overlay
from mmavs.visualization.local_visualizer import DEFAULT_PALETTE

NEAREST = cv2.INTER_NEAREST
MIN_WIDTH = 160  # pixels


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'checkpoint', nargs='?', help='without one, random weights are drawn'
    )
    parser.add_argument('--out', help='folder; work_dirs/attention/<config>')
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='remove what an earlier run drew there',
    )
    parser.add_argument(
        '--split', default='test', choices=('train', 'val', 'test')
    )
    parser.add_argument('--clips', nargs='+', help='clip ids, else the first')
    parser.add_argument('--num', type=int, default=8, help='how many clips')
    parser.add_argument(
        '--module', help='name of one module, e.g. neck.1; else all'
    )
    parser.add_argument(
        '--scales',
        type=int,
        nargs='+',
        default=[-1],
        help='which maps of a module; the last, coarsest by default',
    )
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument(
        '--synthetic', action='store_true', help='on the synthetic set'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_intermixed_args()


def build(args: argparse.Namespace) -> tuple:
    """Build the dataset of the split and the model with its weights."""
    config = config_to_look_at(
        args.config, args.cfg_options, args.synthetic, args.split
    )
    loader = loader_of(config, args.split)
    for inner in innermost_datasets(loader.dataset):
        inner.test_mode = True
    dataset = DATASETS.build(loader.dataset)
    return dataset, init_model(config, args.checkpoint, args.device)


def pick(
    maps: Dict[str, Tuple[torch.Tensor, ...]], args: argparse.Namespace
) -> List[Tuple[str, np.ndarray]]:
    """Captioned maps (T, h, w) of the wanted modules and scales.

    Raises:
        ValueError: There is no such module or scale.
    """
    if args.module and args.module not in maps:
        raise ValueError(
            f'module {args.module!r} shows no attention; these do: '
            f'{sorted(maps)}'
        )
    rows = []
    for name in [args.module] if args.module else sorted(maps):
        for i in args.scales:
            if not -len(maps[name]) <= i < len(maps[name]):
                raise ValueError(
                    f'{name} has {len(maps[name])} maps, no number {i}. '
                    'Fix: --scales 0 is the first, -1 the last'
                )
            heat = maps[name][i].numpy()
            size = f'{heat.shape[1]} x {heat.shape[2]}'
            rows.append((f'attention of {name}, {size}', heat))
    return rows


def enlarge(image: np.ndarray) -> np.ndarray:
    """Bring a small frame (H, W, 3) to a width one can look at."""
    times = -(-MIN_WIDTH // image.shape[1])
    size = (image.shape[1] * times, image.shape[0] * times)
    return cv2.resize(np.ascontiguousarray(image), size, interpolation=NEAREST)


def draw_clip(
    packed: dict, model, palette, args: argparse.Namespace
) -> np.ndarray:
    """Run one clip and lay its sheet out, (H, W, 3) uint8 RGB."""
    with collect_attention(model) as maps, torch.no_grad():
        sample = model.test_step(pseudo_collate([packed]))[0]
    imgs = packed['inputs']['imgs'].permute(0, 2, 3, 1).numpy()
    frames = [enlarge(image[..., ::-1]) for image in imgs]
    size = frames[0].shape[1::-1]
    rows = [('frames', frames)]
    for caption, heat in pick(maps, args):
        rows.append((caption, heat_overlay(frames, heat[: len(frames)])))
    masks = sample.pred_sem_seg.data[:, 0].cpu().numpy().astype(np.uint8)
    painted = [
        overlay(frame, cv2.resize(mask, size, interpolation=NEAREST), palette)
        for frame, mask in zip(frames, masks)
    ]
    rows.append(('prediction', painted))
    audio = packed['inputs'].get('audio')
    log_mel = None if audio is None else as_log_mel(audio)
    if log_mel is not None:
        strips = [log_mel_strip(mel, size[0], 64) for mel in log_mel]
        rows.append(('log-mel of each second', strips))
    return sheet(rows, title=str(sample.clip_id))


def main() -> None:
    """Draw."""
    args = parse_args()
    keep_inputs([args.config, args.checkpoint], folders=[args.out])
    register_all_modules()
    dataset, model = build(args)
    palette = dataset.metainfo.get('palette') or DEFAULT_PALETTE
    stem = Path(args.config).stem
    clips = find_clips([dataset], args.clips, args.num)
    out = OutputFolder(args.out or Path('work_dirs/attention') / stem)
    out.claim(args.overwrite)
    for _, index in clips:
        packed = dataset[index]
        name = flat_name(packed['data_samples'].clip_id)
        picture = draw_clip(packed, model, palette, args)
        path = out.file(f'{name}.png')
        write_picture(path, picture[..., ::-1])
        print(path)
    print(f'{len(clips)} sheets in {out.path}')


if __name__ == '__main__':
    run_script(main)

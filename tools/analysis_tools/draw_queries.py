"""Draw where the queries of instance models look, several models at a time.

    python tools/analysis_tools/draw_queries.py CONFIG \
        with=WITH_LSOAS.pth without=WITHOUT_LSOAS.pth \
        [--clip ID] [--frame 0] [--split test] [--top 20] [--out FILE.png]

Figure 3 of arXiv 2307.16620: a network trained without the silent-object loss
puts its masks on one object, with it they spread over the frame. For each
checkpoint: the outlines of all query masks over the frame, the largest mask
probability at each pixel, and the masks of the queries that are surest of some
category (its name and probability beneath).
"""

import argparse
from pathlib import Path
from typing import List, Tuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config, DictAction
from mmengine.dataset import pseudo_collate

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.apis import init_model
from mmavs.command_line import run_script
from mmavs.datasets.find_clips import find_clips
from mmavs.engine.run_config import config_to_look_at, loader_of
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.names import flat_name
from mmavs.files.whole_files import write_picture
from mmavs.media.picture_files import read_picture
from mmavs.registry import DATASETS
from mmavs.utils import register_all_modules
from mmavs.visualization import overlay, picture_path, sheet
from mmavs.visualization.heat_map import heat_overlay
from mmavs.visualization.paint import palette_for

WIDTH = 224  # of the frame; masks in the grid are half as wide
COLUMNS = 10
Row = Tuple[str, List[np.ndarray]]


def named_checkpoint(text: str) -> Tuple[str, str]:
    """Read 'name=file.pth', or 'file.pth' alone."""
    name, found, path = text.partition('=')
    if not found or '/' in name:  # a path may hold '=' itself
        return Path(text).stem, text
    return name, path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config with a SoundingInstanceHead')
    parser.add_argument(
        'checkpoints',
        nargs='*',
        type=named_checkpoint,
        metavar='NAME=FILE',
        help='without any, random weights are drawn',
    )
    parser.add_argument('--clip', help='clip id; the first by default')
    parser.add_argument('--frame', type=int, default=0, help='counted from 0')
    parser.add_argument(
        '--split', default='test', choices=('train', 'val', 'test')
    )
    parser.add_argument('--top', type=int, default=20, help='masks shown')
    parser.add_argument('--out', help='work_dirs/queries/<clip>_<frame>.png')
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument(
        '--synthetic', action='store_true', help='on the synthetic set'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    # checkpoints may stand behind options
    return parser.parse_intermixed_args()


def load_clip(config: Config, args: argparse.Namespace) -> Tuple[str, dict]:
    """Find and pack the clip.

    Raises:
        ValueError: The split lacks the clip, or the clip the frame.
    """
    dataset = DATASETS.build(loader_of(config, args.split).dataset)
    (_, index), *_ = find_clips([dataset], args.clip and [args.clip])
    packed = dataset[index]
    clip = packed['data_samples'].clip_id
    num_frames = packed['data_samples'].num_frames
    if not 0 <= args.frame < num_frames:
        raise ValueError(
            f'no frame {args.frame} in clip {clip}. Fix: one of 0 to '
            f'{num_frames - 1}'
        )
    return clip, packed


@torch.no_grad()
def query_masks(model, packed: dict, frame: int) -> Tuple:
    """Give mask probabilities (Q, H, W) and category probabilities (Q, K)."""
    if not hasattr(model.decode_head, 'segment'):
        raise ValueError(
            f'{type(model.decode_head).__name__} has no queries with masks. '
            'Fix: take a config of configs/avis.'
        )
    data = model.data_preprocessor(pseudo_collate([packed]))
    imgs = data['inputs']['imgs'][0, frame : frame + 1]
    prediction = model.decode_head.segment(model.backbone(imgs))[-1]
    masks = F.interpolate(
        prediction.mask_logits, (WIDTH, WIDTH), mode='bilinear'
    )
    classes = prediction.class_logits[0].softmax(-1)
    return masks[0].sigmoid().cpu().numpy(), classes.cpu().numpy()


def outlines(image: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Draw the outline of each mask in its own colour."""
    picture, colours = image.copy(), palette_for(len(masks) + 1)[1:]
    for mask, colour in zip(masks, colours):
        contours, _ = cv2.findContours(
            (mask > 0.5).astype(np.uint8),
            cv2.RETR_EXTERNAL,
            cv2.CHAIN_APPROX_NONE,
        )
        cv2.drawContours(picture, contours, -1, colour, 1)
    return picture


def grid(
    image: np.ndarray, masks: np.ndarray, scores: np.ndarray, names: tuple
) -> List[Row]:
    """Show single masks, a row of names over each row of masks."""
    half = cv2.resize(image, (WIDTH // 2, WIDTH // 2))
    rows: List[Row] = []
    order = scores[:, :-1].max(1).argsort()[::-1]
    for start in range(0, len(order), COLUMNS):
        cells, captions = [], []
        for query in order[start : start + COLUMNS]:
            mask = cv2.resize(masks[query], half.shape[1::-1]) > 0.5
            cells.append(overlay(half, mask.astype(np.uint8), palette_for(2)))
            label = int(scores[query, :-1].argmax())
            captions.append(
                f'{names[label][:12]} {100 * scores[query, label]:.0f}%'
            )
        rows.append(('   '.join(captions), cells))
    return rows


def main() -> None:
    args = parse_args()
    checkpoints = [path for _, path in args.checkpoints]
    keep_inputs([args.config, *checkpoints], [args.out])
    register_all_modules()
    config = config_to_look_at(
        args.config, args.cfg_options, args.synthetic, args.split
    )
    clip, packed = load_clip(config, args)
    out = picture_path(
        args.out or f'work_dirs/queries/{flat_name(clip)}_{args.frame}.png'
    )
    path = packed['data_samples'].img_path[args.frame]
    keep_inputs([path], [out])
    image = cv2.resize(read_picture(path)[..., ::-1], (WIDTH, WIDTH))
    rows: List[Row] = []
    for name, checkpoint in args.checkpoints or [('random weights', None)]:
        model = init_model(config, checkpoint, args.device)
        masks, scores = query_masks(model, packed, args.frame)
        found = int((scores.argmax(1) < scores.shape[1] - 1).sum())
        heat = heat_overlay([image], masks.max(0, keepdims=True))[0]
        rows.append(
            (
                f'{name}: {len(masks)} queries, {found} name a category',
                [image, outlines(image, masks), heat],
            )
        )
        keep = scores[:, :-1].max(1).argsort()[::-1][: args.top]
        names = model.decode_head.categories
        rows += grid(image, masks[keep], scores[keep], names)
    page = sheet(rows, f'{Path(args.config).stem}: {clip}, frame {args.frame}')
    write_picture(out, page[..., ::-1])
    print(f'drawn: {out}')


if __name__ == '__main__':
    run_script(main)

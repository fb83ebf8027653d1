"""Find out which category sounds where in MS3, which names none.

    python tools/dataset_converters/ms3_categories.py \
        --data-root data/avsbench/Multi-sources \
        --avss data/avsbench/AVSBench-semantic \
        --model configs/avis/avis_swin-b_s4_stage1.py STAGE1.pth

Writes an 8-bit PNG beside every mask, ms3_data/gt_categories/..., for
LoadCategoryMap: 0 nothing sounds, 1..23 the categories of S4 by alphabet, 255
unknown. A clip that is in AVSBench-semantic (v1m) is named by its label maps
there and the table AVSS_TO_S4; any other by the S4 stage-1 model. Maps that
are there already are kept.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Dict, List

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from rich.progress import track

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.command_line import run_script
from mmavs.datasets import S4_CATEGORIES, AVSBenchMS3Dataset
from mmavs.datasets.category_maps import (
    UNKNOWN,
    find_avss_labels,
    map_from_avss,
    map_from_scores,
    read_avss_labels,
    unmapped_classes,
)
from mmavs.datasets.masks import category_map_path, read_mask
from mmavs.files.whole_files import write_picture
from mmavs.utils import register_all_modules

SPLITS = ('train', 'val', 'test')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--data-root', default='data/avsbench/Multi-sources')
    parser.add_argument('--avss', type=Path, help='AVSBench-semantic')
    parser.add_argument(
        '--model',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='an S4 stage-1 model, for clips that AVSBench-semantic lacks',
    )
    parser.add_argument('--splits', nargs='+', choices=SPLITS, default=SPLITS)
    args = parser.parse_args()
    if not (args.avss or args.model):
        parser.error('give --avss, --model or both: where categories are from')
    return args


def output_paths(info: dict) -> List[Path]:
    """Where the maps of a clip go."""
    return [
        category_map_path(frame['seg_map_path']) for frame in info['frames']
    ]


def masks_of(info: dict) -> List[np.ndarray]:
    """Read the binary masks of a clip, each (h, w) bool."""
    return [
        read_mask(frame['seg_map_path'], frame['mask_encoding']) == 1
        for frame in info['frames']
    ]


class Predictor:
    """Category scores of every pixel, by a stage-1 model."""

    def __init__(self, config: str, checkpoint: str) -> None:
        from mmavs.apis import init_model

        self.model = init_model(config, checkpoint)
        head = self.model.decode_head
        if tuple(getattr(head, 'categories', ())) != S4_CATEGORIES:
            raise ValueError(
                f"{config} does not name S4's 23 categories. Fix: give "
                'configs/avis/avis_*_s4_stage1.py and its checkpoint.'
            )
        self.pipeline = self.model.cfg.test_pipeline

    @torch.no_grad()
    def __call__(self, packed: dict) -> np.ndarray:
        """Give (T, K, h, w) scores of a packed clip."""
        data = self.model.data_preprocessor(pseudo_collate([packed]))
        output = self.model.encode_decode(data['inputs'])
        class_logits, mask_logits = output.extras['predictions'][-1]
        size = packed['inputs']['imgs'].shape[-2:]
        masks = F.interpolate(mask_logits, size, mode='bilinear').sigmoid()
        categories = class_logits.softmax(-1)[..., :-1]
        scores = torch.einsum('nqk,nqhw->nkhw', categories, masks)
        return scores.cpu().numpy()


def write(paths: List[Path], maps: List[np.ndarray]) -> None:
    for path, category_map in zip(paths, maps):
        write_picture(path, category_map)


def maps_by_model(
    predictor: Predictor, dataset: AVSBenchMS3Dataset, index: int
) -> List[np.ndarray]:
    masks = masks_of(dataset.get_data_info(index))
    scores = predictor(dataset[index])
    resized = [
        np.stack([cv2.resize(s, mask.shape[::-1]) for s in frame])
        for frame, mask in zip(scores, masks)
    ]
    return [map_from_scores(s, mask) for s, mask in zip(resized, masks)]


def convert_split(
    split: str,
    args: argparse.Namespace,
    labels: Dict[str, List[Path]],
    predictor: Predictor,
    report: Counter,
) -> None:
    dataset = AVSBenchMS3Dataset(
        args.data_root,
        split=split,
        pipeline=predictor.pipeline if predictor else (),
    )
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    absent = [i['clip_id'] for i in infos if i['clip_id'] not in labels]
    if absent and predictor is None:
        raise ValueError(
            f'{len(absent)} of {len(infos)} {split} clips are not among the '
            f'v1m clips of {args.avss}, the first {absent[:3]}. Fix: add '
            '--model with an S4 stage-1 model, which names them.'
        )
    for index, info in enumerate(track(infos, f'{split} clips')):
        paths, clip_id = output_paths(info), info['clip_id']
        if all(path.is_file() for path in paths):
            report['kept'] += 1
            continue
        if clip_id in labels:
            pairs = zip(labels[clip_id], masks_of(info))
            maps = [map_from_avss(read_avss_labels(p), m) for p, m in pairs]
            report.update(unmapped_classes(labels[clip_id]))
            report['by label maps'] += 1
        else:
            maps = maps_by_model(predictor, dataset, index)
            report['by the model'] += 1
        write(paths, maps)
        report['sounding pixels'] += sum(int((m > 0).sum()) for m in maps)
        report['unknown pixels'] += sum(
            int((m == UNKNOWN).sum()) for m in maps
        )


def main() -> None:
    args = parse_args()
    register_all_modules()  # the model's pipeline names mmavs' transforms
    labels = find_avss_labels(args.avss) if args.avss else {}
    predictor = Predictor(*args.model) if args.model else None
    report: Counter = Counter()
    for split in args.splits:
        convert_split(split, args, labels, predictor, report)
    for source in ('by label maps', 'by the model', 'kept'):
        print(f'{report.pop(source, 0):5d} clips {source}')
    sounding = report.pop('sounding pixels', 0)
    unknown = report.pop('unknown pixels', 0)
    print(f'{100 * unknown / max(sounding, 1):.2f} % of sounding pixels: 255')
    for name, clips in report.most_common():
        print(f'      {name!r} is of no S4 category ({clips} clips)')


if __name__ == '__main__':
    run_script(main)

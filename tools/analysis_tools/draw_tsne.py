"""Draw masked visual features by t-SNE, coloured by what is heard.

    python tools/analysis_tools/draw_tsne.py CONFIG [CHECKPOINT] \
        [--per clip] [--masks predicted] [--color class] [--out FILE.png] \
        [--synthetic]

Figure 13 of arXiv 2301.13190: where training has tied sight to sound, what
sounds alike lies together. The maps that enter the head are averaged over the
mask of each frame, and over the frames of a clip; what has no mask is left
out. The colour is the category of the clip (S4, AVSBench-semantic). Where
clips have none, as in MS3, it is as in the paper a cluster of the audio
encoder's embeddings: k-means of their principal components. In a synthetic
MS3, --color class gives all that is heard.
"""

import argparse
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import DictAction
from mmengine.dataset import pseudo_collate
from rich.progress import track

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.analysis.masked_features import (
    collect_features,
    pool_under_masks,
    sounding_masks,
)
from mmavs.apis import init_model
from mmavs.command_line import run_script
from mmavs.datasets import AVSClipDataset
from mmavs.datasets.unmatching import clip_contents
from mmavs.datasets.wrapped import unwrapped
from mmavs.engine.run_config import config_to_look_at, loader_of
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.whole_files import whole_file
from mmavs.registry import DATASETS
from mmavs.utils import register_all_modules
from mmavs.visualization import picture_path

NUM_CLUSTERS = 20  # K of the paper
PERPLEXITY = 30
FIELDS = dict(predicted='pred_sem_seg', true='gt_sem_seg')


class Points(NamedTuple):
    """What is drawn, before it is brought to the plane.

    Attributes:
        clip_ids (list[str]): Of each of n points.
        visual (ndarray): (n, C).
        audio (ndarray): (n, D); D is 0 of a model without audio encoder.
        empty (int): Clips or frames without a mask, which are left out.
    """

    clip_ids: List[str]
    visual: np.ndarray
    audio: np.ndarray
    empty: int


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'checkpoint', nargs='?', help='without one, random weights are drawn'
    )
    parser.add_argument(
        '--split', default='test', choices=('train', 'val', 'test')
    )
    parser.add_argument(
        '--per', default='clip', choices=('clip', 'frame'), help='point'
    )
    parser.add_argument('--masks', default='predicted', choices=tuple(FIELDS))
    parser.add_argument(
        '--scale',
        type=int,
        default=-1,
        help='which map of the neck; the last, coarsest by default',
    )
    parser.add_argument(
        '--color',
        choices=('class', 'cluster'),
        help='default: class, if every clip has a category',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', help='work_dirs/tsne/<config>.png')
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument(
        '--synthetic', action='store_true', help='on the synthetic set'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_intermixed_args()


def import_sklearn():
    """Import what is needed of scikit-learn.

    Raises:
        ImportError: It is not installed.
    """
    try:
        from sklearn import cluster, decomposition, manifold
    except ImportError as error:
        raise ImportError(
            f't-SNE needs scikit-learn ({error}). Fix: pip install '
            'scikit-learn'
        ) from None
    return cluster, decomposition, manifold


@torch.no_grad()
def collect_points(
    parts: Sequence[AVSClipDataset], model, args: argparse.Namespace
) -> Points:
    """Run every clip and pool its features.

    Raises:
        ValueError: The neck has no such scale, or the data set no masks.
    """
    clip_ids, visual, audio = [], [], []
    empty = 0
    clips = [(part, index) for part in parts for index in range(len(part))]
    for part, index in track(clips, 'clips'):
        rows, sounds = clip_rows(part[index], model, args)
        known = ~rows.isnan().any(1)
        if args.per == 'clip':
            rows, sounds = rows.nanmean(0)[None], sounds.mean(0)[None]
            known = known.any()[None]
        empty += int((~known).sum())
        clip_id = part.get_data_info(index)['clip_id']
        clip_ids += [clip_id] * int(known.sum())
        visual.append(rows[known].cpu().numpy())
        audio.append(sounds[known].cpu().numpy())
    return Points(
        clip_ids, np.concatenate(visual), np.concatenate(audio), empty
    )


def clip_rows(
    packed: dict, model, args: argparse.Namespace
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Give the pooled maps (T, C) and the embeddings (T, D) of a clip."""
    batch = pseudo_collate([packed])
    with collect_features(model) as found:
        sample = model.test_step(batch)[0]
    levels = found['visual']
    if not -len(levels) <= args.scale < len(levels):
        raise ValueError(
            f'the neck gives {len(levels)} maps, there is no number '
            f'{args.scale}. Fix: --scale 0 is the finest, -1 the coarsest'
        )
    size = packed['inputs']['imgs'].shape[-2:]
    masks = sounding_masks(sample, size, FIELDS[args.masks])
    if masks is None:
        raise ValueError(
            f'clip {sample.clip_id} has no true masks. Fix: --masks predicted'
        )
    frames = sample.num_frames
    maps = levels[args.scale][:frames]
    rows = pool_under_masks(maps, masks[:frames].to(maps.device))
    audio = found.get('audio', rows.new_zeros(frames, 0))
    return rows, audio[:frames]


def color_labels(
    parts: Sequence[AVSClipDataset], points: Points, args: argparse.Namespace
) -> List[str]:
    """Name what is heard at each point.

    Raises:
        ValueError: The data set does not say it, and the model cannot hear.
    """
    infos = [p.get_data_info(i) for p in parts for i in range(len(p))]
    names = {info['clip_id']: info['category'] for info in infos}
    if args.color == 'class' and not all(names.values()):
        contents = [c for part in parts for c in clip_contents(part).items()]
        names = {k: ', '.join(sorted(v.heard)) for k, v in contents}
    labels = [names[clip_id] for clip_id in points.clip_ids]
    if args.color != 'cluster' and all(labels):
        return labels
    if args.color == 'class':
        raise ValueError(
            f'what is heard in clip {points.clip_ids[labels.index("")]} is '
            'not known. Fix: --color cluster'
        )
    if not points.audio.shape[1]:
        raise ValueError(
            'the model has no audio encoder whose embeddings could be '
            'clustered. Fix: take a data set that names what is heard, or a '
            'model that hears'
        )
    return cluster_labels(points.audio, args.seed)


def cluster_labels(audio: np.ndarray, seed: int) -> List[str]:
    """Divide embeddings (n, D) into clusters, '01' ..., the largest first."""
    cluster, decomposition, _ = import_sklearn()
    count = min(NUM_CLUSTERS, len(np.unique(audio, axis=0)))
    parts = min(count, *audio.shape)
    components = decomposition.PCA(parts, random_state=seed)
    found = cluster.KMeans(count, n_init=10, random_state=seed)
    numbers = found.fit_predict(components.fit_transform(audio))
    order = np.bincount(numbers, minlength=count).argsort()[::-1]
    rank = {int(number): place for place, number in enumerate(order, 1)}
    return [f'cluster {rank[int(number)]:02d}' for number in numbers]


def to_plane(visual: np.ndarray, seed: int) -> np.ndarray:
    """Bring features (n, C) to the plane, (n, 2).

    Raises:
        ValueError: Fewer than four points.
    """
    _, _, manifold = import_sklearn()
    if len(visual) < 4:
        raise ValueError(
            f'{len(visual)} points have a mask; t-SNE needs four. Fix: take '
            'a model that masks something, --masks true, or a larger split'
        )
    tsne = manifold.TSNE(
        perplexity=min(PERPLEXITY, (len(visual) - 1) / 3),
        init='pca',
        random_state=seed,
    )
    return tsne.fit_transform(visual)


def draw(
    path: Path, plane: np.ndarray, labels: List[str], title: str
) -> Dict[str, tuple]:
    """Write the picture; returns the colour of each label."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = sorted(set(labels))
    few = len(names) <= NUM_CLUSTERS
    # more colours than eyes tell apart go around the circle
    chosen = colormaps['tab20' if few else 'hsv']
    step = 1 if few else chosen.N / len(names)
    colors = {name: chosen(int(i * step)) for i, name in enumerate(names)}
    figure = Figure(figsize=(8, 6), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, color in colors.items():
        x, y = plane[[label == name for label in labels]].T
        axes.scatter(x, y, s=16, color=[color], label=name)
    axes.set(xticks=[], yticks=[], title=title)
    if few:
        figure.legend(loc='outside right upper', fontsize=7)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=150)
    return colors


def main() -> None:
    """Draw."""
    args = parse_args()
    keep_inputs([args.config, args.checkpoint], [args.out])
    import_sklearn()  # before the work
    register_all_modules()
    out = picture_path(
        args.out or f'work_dirs/tsne/{Path(args.config).stem}.png'
    )
    config = config_to_look_at(
        args.config, args.cfg_options, args.synthetic, args.split
    )
    # whole clips, also where a config trains on single frames
    parts = unwrapped(DATASETS.build(loader_of(config, args.split).dataset))
    model = init_model(config, args.checkpoint, args.device)
    points = collect_points(parts, model, args)
    labels = color_labels(parts, points, args)
    plane = to_plane(points.visual, args.seed)
    title = f'{Path(args.config).stem}, {args.split}: {args.masks} masks'
    colors = draw(out, plane, labels, title)
    print(
        f'{len(labels)} {args.per}s in {len(colors)} colours, '
        f'{points.empty} without a mask left out: {out}'
    )


if __name__ == '__main__':
    run_script(main)

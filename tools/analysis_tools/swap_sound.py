"""Draw one clip under its own sound and under others.

    python tools/analysis_tools/swap_sound.py CONFIG CHECKPOINT \
        [--clip ID] [--other WAV] [--mixed WAV] [--split test] \
        [--sounds own other] [--out FILE.png]

Figures 1 and 5 of arXiv 2307.16620. One row of predictions for each of: the
clip's own sound, digital silence, white noise, another clip's sound, and the
own sound mixed with a second one at equal loudness; the log-mel of each second
beneath each row. Models that find instances show them with the probability
that they sound.

--other defaults to a sound of nothing that the clip shows, --mixed to a sound
of something that it shows silently (known for synthetic clips), else to
--other.
"""

import argparse
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import pseudo_collate

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.apis import init_model
from mmavs.audio import resample, vggish_log_mel
from mmavs.command_line import run_script
from mmavs.datasets.find_clips import find_clips
from mmavs.datasets.heard import hear
from mmavs.datasets.unmatching import (
    ClipContent,
    clip_contents,
    matching_silent_sound,
    unmatching_sounds,
)
from mmavs.engine.run_config import (
    config_to_look_at,
    innermost_datasets,
    loader_of,
)
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.names import flat_name
from mmavs.files.whole_files import write_picture
from mmavs.media.picture_files import read_picture, resize_labels
from mmavs.registry import DATASETS
from mmavs.structures import DEFAULT_THRESHOLD
from mmavs.utils import register_all_modules
from mmavs.visualization import (
    draw_instances,
    log_mel_strip,
    overlay,
    picture_path,
    sheet,
)
from mmavs.visualization.local_visualizer import DEFAULT_PALETTE

MIN_WIDTH = 256
STRIP_HEIGHT = 40
SPLITS = ('train', 'val', 'test')
SOUNDS = ('own', 'mute', 'noise', 'other', 'mixed')
SAMPLE_RATE = 16000
Row = Tuple[str, List[np.ndarray]]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'checkpoint', nargs='?', help='without one, random weights are drawn'
    )
    parser.add_argument('--clip', help='clip id; the first by default')
    parser.add_argument('--other', help="wav file, another clip's sound")
    parser.add_argument('--mixed', help='wav file, mixed with the own sound')
    parser.add_argument('--split', default='test', choices=SPLITS)
    parser.add_argument(
        '--sounds',
        nargs='+',
        default=SOUNDS,
        choices=SOUNDS,
        help='rows to draw; default all',
    )
    parser.add_argument('--out', help='picture; work_dirs/swap_sound/<clip>')
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument(
        '--synthetic', action='store_true', help='on the synthetic set'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_intermixed_args()


def choose_sounds(
    contents: Dict[str, ClipContent], clip: str, args: argparse.Namespace
) -> Tuple[str, str]:
    """Settle the other sound and the mixed sound.

    Raises:
        ValueError: ``--other`` is left out, and no sound of the split is
            foreign to the clip.
    """
    other = args.other or unmatching_sounds(contents, wanted=[clip])[clip]
    mixed = args.mixed or matching_silent_sound(contents, clip) or other
    return other, mixed


def conditions(
    clip: str, other: str, mixed: str, sounds: Sequence[str] = SOUNDS
) -> Dict[str, List[dict]]:
    """Name each sound and say what makes it."""
    every = {
        'own sound': [],
        'mute': [dict(type='ChangeSound', sound='mute')],
        'white noise': [dict(type='ChangeSound', sound='noise')],
        f'another sound: {Path(other).name}': [
            dict(type='ChangeSound', sound='swap', others={clip: other})
        ],
        f'mixture: own + {Path(mixed).name}': [
            dict(type='ChangeSound', sound='mix', others={clip: mixed})
        ],
    }
    names = zip(SOUNDS, every)
    return {name: every[name] for sound, name in names if sound in sounds}


class KeepWaveform:
    """Remembers the sound a pipeline feeds, for drawing it."""

    def __call__(self, results: dict) -> dict:
        waveform, rate = results['waveform'], results['sample_rate']
        self.waveform = resample(waveform, rate, SAMPLE_RATE)
        return results


def large(image: np.ndarray) -> np.ndarray:
    """Enlarge a small frame, so that names can be read."""
    scale = max(1, -(-MIN_WIDTH // image.shape[1]))
    return cv2.resize(image, None, fx=scale, fy=scale)


def picture(image: np.ndarray, sample, t: int, palette) -> np.ndarray:
    """Paint one frame's prediction in the colours of its classes."""
    image = large(image)
    if 'pred_instances' in sample:
        return draw_instances(
            image,
            sample.pred_instances[t],
            sample.categories,
            sample.get('threshold', DEFAULT_THRESHOLD),
            min_width=MIN_WIDTH,
        )
    mask = sample.pred_sem_seg.data[t, 0].cpu().numpy().astype(np.uint8)
    return overlay(image, resize_labels(mask, image.shape[:2]), palette)


def strips(waveform: torch.Tensor, count: int, width: int) -> List[np.ndarray]:
    """Draw the log-mel of each second."""
    seconds = torch.nn.functional.pad(waveform, (0, SAMPLE_RATE))
    return [
        log_mel_strip(
            vggish_log_mel(
                seconds[t * SAMPLE_RATE : (t + 1) * SAMPLE_RATE], SAMPLE_RATE
            )[0, 0].numpy(),
            width,
            STRIP_HEIGHT,
        )
        for t in range(count)
    ]


@torch.no_grad()
def rows_of(
    model, config: Config, args: argparse.Namespace, clip: str, sounds: dict
) -> List[Row]:
    """Predict under every sound."""
    rows: List[Row] = []
    for name, transforms in sounds.items():
        parts = build_datasets(config, args.split, *transforms)
        packed, waveform = load_clip(parts, clip, len(transforms))
        sample = model.test_step(pseudo_collate([packed]))[0]
        keep_inputs(sample.img_path, [args.out])
        images = [read_picture(p)[..., ::-1] for p in sample.img_path]
        if not rows:
            rows.append(('frames', [large(image) for image in images]))
        palette = parts[0].metainfo.get('palette') or DEFAULT_PALETTE
        cells = [picture(i, sample, t, palette) for t, i in enumerate(images)]
        rows.append((name, cells))
        rows.append(('', strips(waveform, len(images), cells[0].shape[1])))
    return rows


def build_datasets(config: Config, split: str, *transforms: dict) -> list:
    """Build the data sets of a split, hearing what the transforms make."""
    return [
        DATASETS.build(dict(part, pipeline=hear(part.pipeline, *transforms)))
        for part in innermost_datasets(loader_of(config, split).dataset)
    ]


def load_clip(
    datasets: list, clip: str, num_changes: int
) -> Tuple[dict, torch.Tensor]:
    """Load a clip, and the sound (S,) at 16 kHz that its front end is fed."""
    ((dataset, index),) = find_clips(datasets, [clip])
    steps = dataset.pipeline.transforms
    names = [type(step).__name__ for step in steps]
    keep = KeepWaveform()
    steps.insert(names.index('LoadAudio') + 1 + num_changes, keep)
    return dataset[index], keep.waveform


def main() -> None:
    args = parse_args()
    keep_inputs([args.config, args.checkpoint], [args.out])
    register_all_modules()
    config = config_to_look_at(
        args.config, args.cfg_options, args.synthetic, args.split
    )
    model = init_model(config, args.checkpoint, args.device)
    parts = build_datasets(config, args.split)
    ((part, index),) = find_clips(parts, args.clip and [args.clip])
    clip = part.get_data_info(index)['clip_id']
    contents = {}
    for dataset in parts:
        contents.update(clip_contents(dataset))
    other, mixed = choose_sounds(contents, clip, args)
    default = f'work_dirs/swap_sound/{flat_name(clip)}.png'
    out = picture_path(args.out or default)
    sounds = conditions(clip, other, mixed, args.sounds)
    rows = rows_of(model, config, args, clip, sounds)
    page = sheet(rows, f'{Path(args.config).stem}: {clip}')
    write_picture(out, page[..., ::-1])
    print(f'drawn: {out}')


if __name__ == '__main__':
    run_script(main)

"""Draw what the model is fed: clips after every transform of a config.

    python tools/analysis_tools/browse_dataset.py CONFIG \
        [--split train] [--num 8] [--out DIR] [--synthetic]

One picture per clip: its frames, the ground truth over them, and below each
frame the sound that goes with it.
"""

import argparse
from pathlib import Path
from typing import Optional

import numpy as np
import torch
from mmengine.config import DictAction
from rich.progress import track

import mmavs  # noqa: F401  (before mmseg, so that mmcv-lite will do)
from mmavs.audio import vggish_log_mel
from mmavs.command_line import run_script
from mmavs.datasets.find_clips import find_clips
from mmavs.engine.run_config import config_to_look_at, loader_of
from mmavs.files.kept_inputs import keep_inputs
from mmavs.files.names import flat_name
from mmavs.files.output_folder import OutputFolder
from mmavs.registry import DATASETS, VISUALIZERS
from mmavs.utils import register_all_modules

SAMPLE_RATE = 16000


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train'
    )
    parser.add_argument('--num', type=int, default=8, help='clips to draw')
    parser.add_argument(
        '--times', type=int, default=1, help='draw each clip so often'
    )
    parser.add_argument('--clips', nargs='+', help='draw these clip ids only')
    parser.add_argument('--out', help='default: work_dirs/browse/<config>')
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='remove what an earlier run drew there',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--synthetic', action='store_true')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def build_dataset(args: argparse.Namespace):
    """Build the data set of one split as the Runner would."""
    config = config_to_look_at(
        args.config, args.cfg_options, args.synthetic, args.split
    )
    return DATASETS.build(loader_of(config, args.split).dataset)


def sound_picture(audio: Optional[torch.Tensor]) -> Optional[np.ndarray]:
    """Turn the model's sound input into (T, frames, bands) to draw.

    Args:
        audio (Tensor, optional): log-mel (T, 1, frames, bands), fbank
            (T, frames, bands), or waveforms (T, S) at 16 kHz.
    """
    if audio is None:
        return None
    if audio.ndim == 4:
        return audio[:, 0].numpy()
    if audio.ndim == 3:
        # normalised fbank: about -2.5..2, brought to the log-mel's range
        return audio.numpy() * 1.6 - 0.6
    seconds = [vggish_log_mel(wave, SAMPLE_RATE)[:1, 0] for wave in audio]
    return torch.cat(seconds).numpy()


def main() -> None:
    """Draw."""
    args = parse_args()
    keep_inputs([args.config], folders=[args.out])
    register_all_modules()
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    dataset = build_dataset(args)
    visualizer = VISUALIZERS.build(
        dict(type='AVSLocalVisualizer', name='browse')
    )
    visualizer.dataset_meta = dataset.metainfo
    clips = find_clips([dataset], args.clips, args.num) * args.times
    stem = Path(args.config).stem
    out = OutputFolder(args.out or Path('work_dirs/browse') / stem)
    out.claim(args.overwrite)
    for count, (_, index) in enumerate(track(clips, 'drawing')):
        packed = dataset[index]
        inputs, sample = packed['inputs'], packed['data_samples']
        images = inputs['imgs'].permute(0, 2, 3, 1).numpy()[..., ::-1]
        name = flat_name(sample.clip_id)
        repeat = count * args.times // len(clips)
        visualizer.add_clip(
            name,
            list(images),
            sample,
            log_mel=sound_picture(inputs.get('audio')),
            title=describe(sample),
            out_file=out.file(f'{args.split}_{name}_{repeat}.png'),
        )
    print(f'{len(clips)} pictures in {out.path}')


def describe(sample) -> str:
    """One line about a clip."""
    parts = [sample.clip_id]
    parts += [sample.get(key) for key in ('category', 'group')]
    if sample.get('flip'):
        parts.append(f'flipped {sample.flip_direction}ly')
    return ', '.join(str(part) for part in parts if part)


if __name__ == '__main__':
    run_script(main)

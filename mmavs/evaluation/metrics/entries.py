"""The entries clips leave in a metric, and checks of what they come from."""

from typing import List, Optional

from prettytable import PrettyTable
from torch import Tensor

from mmavs.structures import DEFAULT_THRESHOLD


def in_dataset_order(results: List[dict]) -> List[dict]:
    """Sort entries by ``sample_idx`` and drop what a sampler repeated.

    mmengine collects ranks interleaved, which is dataset order for its own
    sampler. Where ``sample_idx`` does not tell clips apart (absent, or a
    concatenation of datasets), that order is kept. Clips of one name from two
    data sets differ in their first picture (``source``, where there is one).
    """
    unique = {}
    for place, entry in enumerate(results):
        index = entry['sample_idx']
        key = index, entry['clip_id'], entry.get('source')
        unique.setdefault(place if index is None else key, entry)
    entries = list(unique.values())
    indices = [entry['sample_idx'] for entry in entries]
    if None in indices or len(set(indices)) < len(indices):
        return entries
    return sorted(entries, key=lambda entry: entry['sample_idx'])


def name_sizes(entries: List[dict]) -> str:
    """Name the size at which clips were scored, width x height."""
    sizes = sorted({entry['size'] for entry in entries})
    if len(sizes) > 2:
        return f'{len(sizes)} sizes'
    return ', '.join(f'{w}x{h}' for h, w in sizes)


def threshold_of(sample: dict) -> float:
    """Give the probability above which a clip's pixels sound."""
    return sample.get('threshold', DEFAULT_THRESHOLD)


def name_thresholds(entries: List[dict]) -> str:
    """Name thresholds other than 0.5, which the protocols take."""
    found = {entry['threshold'] for entry in entries} - {DEFAULT_THRESHOLD}
    return ', '.join(f'{threshold:g}' for threshold in sorted(found))


def name_choices(entries: List[dict]) -> str:
    """Name which of several masks answered, of a head that chooses."""
    found = {entry.get('mask_choice') for entry in entries} - {None}
    return ', '.join(sorted(found))


def draw_table(rows: List[dict]) -> str:
    """Draw rows, two digits behind the point; columns in order of use."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = PrettyTable(names)
    for row in rows:
        cells = [row.get(name, '-') for name in names]
        table.add_row(
            [f'{c:.2f}' if isinstance(c, float) else c for c in cells]
        )
    return table.get_string()


def frames_of(sample: dict, field: str, fix: str) -> Tensor:
    """Give ``sample[field]['data']`` (T, C, H, W).

    Raises:
        ValueError: It is not there; the message names clip and remedy.
    """
    if field not in sample:
        raise ValueError(
            f'clip {sample.get("clip_id")}: no {field}. Fix: {fix}'
        )
    return sample[field]['data']


def source_of(sample: dict) -> Optional[str]:
    """Name the first picture of a clip, None if it has no files."""
    paths = sample.get('img_path') or [None]
    return paths[0]


def name_unscored(entries: List[dict]) -> str:
    """Count and name the clips that left no sums; '' if there are none."""
    names = [str(e['clip_id']) for e in entries if 'sums' not in e]
    if not names:
        return ''
    shown = ', '.join(names[:5]) + (', ...' if len(names) > 5 else '')
    return (
        f'{len(names)} of {len(entries)} clips have no ground truth and are '
        f'not scored: {shown}'
    )


def check_frames(sample: dict, predicted: Tensor, target: Tensor) -> None:
    """Compare the frames of prediction and ground truth.

    Raises:
        ValueError: Another number or another size of frames.
    """
    clip = sample.get('clip_id')
    expected = sample.get('num_frames', len(target))
    if not len(predicted) == len(target) == expected:
        raise ValueError(
            f'clip {clip}: {len(predicted)} predicted frames, {len(target)} '
            f'frames of ground truth, {expected} frames in the clip'
        )
    sizes = [tuple(t.shape[-2:]) for t in (predicted, target)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f'clip {clip}: predicted at {sizes[0]} (height, width), ground '
            f'truth at {sizes[1]}. Fix: model.test_cfg.eval_size="original" '
            'where the pipeline loads masks as they are on disk, '
            'model.test_cfg.eval_size="input" where it resizes them with the '
            'frames'
        )

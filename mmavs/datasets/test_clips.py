"""What a test can say before its first clip."""

from typing import Dict, Iterator, Tuple

from torch.utils.data import Dataset

from .wrapped import unwrapped


def check_labels(dataset: Dataset) -> None:
    """Make sure that there is something to score.

    Clips without masks among others are left to the metric, which counts and
    names them.

    Args:
        dataset (Dataset): Of clips, wrapped or not.

    Raises:
        ValueError: No clip is labelled, or the pipeline loads no masks.
    """
    clips = 0
    for part, index, info in _infos(dataset):
        clips += 1
        if not info.get('labeled_frames', True):
            continue
        sample = part[index]['data_samples']
        sample = sample[0] if isinstance(sample, list) else sample  # views
        if 'gt_sem_seg' in sample:
            return
        raise ValueError(
            'the test pipeline loads no masks, so there is nothing to score. '
            'Fix: put LoadFrameMask into its ForEachFrame, or only write '
            'masks: --out DIR --cfg-options test_evaluator.format_only=True'
        )
    raise ValueError(
        f'none of the {clips} test clips has a mask, so there is nothing to '
        'score. Fix: test on a split with masks, or only write masks: --out '
        'DIR --cfg-options test_evaluator.format_only=True'
    )


def check_names(dataset: Dataset) -> None:
    """Make sure that no two clips would write the same files.

    Args:
        dataset (Dataset): Of clips, wrapped or not.

    Raises:
        ValueError: Two clips of several data sets have one name.
    """
    pictures: Dict[str, str] = {}
    for _, _, info in _infos(dataset):
        clip, first = info['clip_id'], info['frames'][0]['img_path']
        if pictures.setdefault(clip, first) != first:
            raise ValueError(
                f'two test clips are called {clip!r} ({pictures[clip]} and '
                f'{first}), and what is written of one would replace that of '
                'the other. Fix: test the data sets one after another, '
                'or rename a clip (with --sounds, --show-worst 0 draws none)'
            )


def _infos(dataset: Dataset) -> Iterator[Tuple[Dataset, int, dict]]:
    for part in unwrapped(dataset):
        for index in range(len(part)):
            yield part, index, part.get_data_info(index)

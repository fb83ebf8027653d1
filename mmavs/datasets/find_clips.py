"""Clips of built data sets by their id."""

from typing import List, Optional, Sequence, Tuple

from torch.utils.data import Dataset


def find_clips(
    datasets: Sequence[Dataset],
    clip_ids: Optional[Sequence[str]] = None,
    num: int = 1,
) -> List[Tuple[Dataset, int]]:
    """Find clips by their id, or take the first ones.

    Args:
        datasets (Sequence[Dataset]): Each gives its clips by
            ``get_data_info``. Of clips with the same id the first is taken.
        clip_ids (Sequence[str], optional): What is wanted, in this order.
        num (int): Without ``clip_ids``, how many of the first clips, at most.

    Returns:
        list[tuple[Dataset, int]]: Data set and index of each clip.

    Raises:
        ValueError: A wanted clip is absent.
    """
    every = [(data, i) for data in datasets for i in range(len(data))]
    if not clip_ids:
        return every[:num]
    places = {}
    for data, index in every:
        clip_id = data.get_data_info(index)['clip_id']
        places.setdefault(clip_id, (data, index))
    absent = [clip_id for clip_id in clip_ids if clip_id not in places]
    if absent:
        raise ValueError(
            f'no clip {", ".join(map(repr, absent))} in this split. Fix: take '
            f'one of its {len(places)} clips: {", ".join(list(places)[:5])}, '
            '...'
        )
    return [places[clip_id] for clip_id in clip_ids]

"""Data sets as they are built, without what wraps them."""

from typing import List

from .base import AVSClipDataset


def unwrapped(dataset) -> List[AVSClipDataset]:
    """List the data sets of clips inside a built data set.

    Args:
        dataset (Dataset): Clips, or a wrapper round them (RepeatDataset,
            SingleFrames, ...) or round several (ConcatDataset), to any depth.

    Returns:
        list[AVSClipDataset]: In order.
    """
    if hasattr(dataset, 'datasets'):
        inner = dataset.datasets
    elif hasattr(dataset, 'dataset'):
        inner = [dataset.dataset]
    else:
        return [dataset]
    return [part for wrapped in inner for part in unwrapped(wrapped)]

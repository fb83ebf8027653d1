"""Rows of all ranks, for losses that compare each with every other."""

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_world_size
from torch import Tensor


def rows_of_ranks(rows: Tensor) -> Tensor:
    """Put the rows of all ranks under each other, those of rank 0 first.

    Gradients go back to the rank that a row is from. Every rank has to call
    this, with rows or without, and to use what comes back.

    Args:
        rows (Tensor): (R, C); R may differ between ranks, and be 0.

    Returns:
        Tensor: (sum of R, C).
    """
    if get_world_size() == 1:
        return rows
    from torch.distributed.nn.functional import all_gather as gather

    counts = all_gather(torch.tensor(len(rows), device=rows.device))
    most = int(max(counts))
    parts = gather(F.pad(rows, (0, 0, 0, most - len(rows))))
    return torch.cat([part[:count] for part, count in zip(parts, counts)])

"""Means whose gradients do not depend on how clips fall on ranks."""

from mmengine.dist import all_reduce, get_world_size
from torch import Tensor

from mmavs.models.precision import at_least_float32


def mean_over_ranks(total: Tensor, count: Tensor) -> Tensor:
    """Divide a rank's sum by the mean count of all ranks.

    DDP averages the ranks' gradients. A rank that divides by its *own* count
    (of frames with foreground, say) then weighs its frames differently from
    another rank's; divided by the ranks' mean count, the average is exactly
    the gradient of one process on the whole batch.

    Args:
        total (Tensor): Scalar, this rank's sum.
        count (Tensor): Scalar, how many things it sums, or their weight; may
            be 0.

    Returns:
        Tensor: Scalar, float32 or wider; 0, attached to the graph, if nothing
        counts anywhere.
    """
    total = at_least_float32(total)  # halves count to 65504 only
    count = count.detach().to(total.dtype, copy=True)
    if get_world_size() > 1:
        all_reduce(count, op='mean')
    return total / count.masked_fill(count == 0, 1)

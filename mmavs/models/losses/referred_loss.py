"""Does a query's object sound? A cross-entropy summed over queries."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.registry import MODELS

from .mean_over_ranks import mean_over_ranks


@MODELS.register_module()
class ReferredLoss(nn.Module):
    r"""Cross-entropy of the queries' classes.

    .. math:: L = \frac{1}{F} \sum_f \sum_q - w_q \log p_q(c_q)

    over F labelled frames of all ranks; w is ``no_object_weight`` for a query
    without object and 1 for the others. Summed over queries, not averaged, as
    in CATR's released code (https://arxiv.org/abs/2309.09709).

    Args:
        no_object_weight (float): Not public; 0.1 is that of the code that
            CATR descends from.
        loss_weight (float): Defaults to 1.0, as released.
        loss_name (str): Defaults to 'loss_referred'.
    """

    def __init__(
        self,
        *,
        no_object_weight: float = 0.1,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_referred',
    ) -> None:
        super().__init__()
        self.no_object_weight = no_object_weight
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, class_logits: Tensor, wanted: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            class_logits (Tensor): (L, Q, K + 1), raw; the last is "none".
            wanted (Tensor): (L, Q) int64 in 0..K.

        Returns:
            Tensor: Scalar; 0, attached to the graph, if L is 0.
        """
        weight = class_logits.new_ones(class_logits.shape[-1])
        weight[-1] = self.no_object_weight
        total = F.cross_entropy(
            class_logits.flatten(0, 1),
            wanted.flatten(),
            weight,
            reduction='sum',
        )
        count = wanted.new_tensor(len(wanted))
        return self.loss_weight * mean_over_ranks(total, count)

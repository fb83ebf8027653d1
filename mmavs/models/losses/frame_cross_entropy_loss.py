"""Cross-entropy over classes, frame by frame."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.utils.precision import at_least_float32

from .mean_over_ranks import mean_over_ranks


@MODELS.register_module()
class FrameCrossEntropyLoss(nn.Module):
    r"""Cross-entropy of each labelled frame, averaged over frames.

    .. math::
        L = \frac{1}{L} \sum_n \frac{1}{P_n} \sum_p
            -\log \mathrm{softmax}(z_{n,p})_{g_{n,p}}

    so that a frame counts the same however much of it is ignored; the AVSS
    loss of "Audio-Visual Segmentation with Semantics",
    https://arxiv.org/abs/2301.13190, as released.

    Args:
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to 'loss_ce'.
    """

    def __init__(
        self, loss_weight: float = 1.0, loss_name: str = 'loss_ce'
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, logits: Tensor, target: Tensor, ignore_index: int = 255
    ) -> Tensor:
        """Compute the loss.

        Args:
            logits (Tensor): (L, K, H, W), raw.
            target (Tensor): (L, H, W) int64 in 0..K-1.
            ignore_index (int): Label that is not counted.

        Returns:
            Tensor: Scalar; 0, attached to the graph, if no pixel counts.

        Raises:
            ValueError: The logits have one channel, whose softmax is
                constant.
        """
        if logits.shape[1] == 1:
            raise ValueError(
                'FrameCrossEntropyLoss needs one channel a class, but gets '
                'one. Mend: set out_channels=num_classes in the decode head, '
                'or use FrameBCELoss.'
            )
        cost = F.cross_entropy(
            at_least_float32(logits),
            target,
            reduction='none',
            ignore_index=ignore_index,
        )
        valid = (target != ignore_index).flatten(1)
        pixels = valid.sum(dim=1)
        frames = cost.flatten(1).sum(dim=1) / pixels.clamp(min=1)
        mean = mean_over_ranks(frames.sum(), (pixels > 0).sum())
        return self.loss_weight * mean

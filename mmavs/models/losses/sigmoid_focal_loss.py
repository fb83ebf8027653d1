"""Focal loss on the pixels of labelled frames."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.registry import MODELS

from .binary_target import binary_target
from .mean_over_ranks import mean_over_ranks


@MODELS.register_module()
class SigmoidFocalLoss(nn.Module):
    r"""Mean binary focal loss over all labelled pixels.

    .. math::
        L = \frac{1}{P} \sum_p -\alpha_p (1 - q_p)^\gamma \log q_p

    with q the probability (sigmoid) given to the pixel's own label and alpha
    that of the foreground, 1 - alpha that of the background. "Focal Loss for
    Dense Object Detection", https://arxiv.org/abs/1708.02002, Eq. 5.

    mmseg's FocalLoss calls a compiled mmcv operator on a GPU; this needs
    none.

    Args:
        alpha (float): Weight of the foreground. Defaults to 0.25, the focal
            loss paper's, as AVSAC names no other.
        gamma (float): How much easy pixels lose weight. Defaults to 2.0,
            likewise.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to 'loss_focal'.
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_focal',
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.gamma = gamma
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, logits: Tensor, target: Tensor, ignore_index: int = 255
    ) -> Tensor:
        """Compute the loss.

        Args:
            logits (Tensor): (L, 1, H, W), raw.
            target (Tensor): (L, H, W) int64, 0 background, other labels
                sounding.
            ignore_index (int): Label that is not counted.

        Returns:
            Tensor: Scalar; 0, attached to the graph, without labelled pixels.

        Raises:
            ValueError: The logits have several channels.
        """
        scores, foreground, valid = binary_target(
            logits, target, ignore_index, type(self).__name__
        )
        own = torch.where(foreground > 0, scores, -scores)
        # 1 - q = sigmoid(-own) and -log q = softplus(-own): exact at any size.
        cost = own.neg().sigmoid() ** self.gamma * F.softplus(-own)
        alpha = torch.where(foreground > 0, self.alpha, 1 - self.alpha)
        mean = mean_over_ranks((alpha * cost * valid).sum(), valid.sum())
        return self.loss_weight * mean

"""Binary cross-entropy on the pixels of labelled frames."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.registry import MODELS

from .binary_target import binary_target
from .mean_over_ranks import mean_over_ranks


@MODELS.register_module()
class FrameBCELoss(nn.Module):
    r"""Mean binary cross-entropy over all labelled pixels.

    .. math:: L = -\frac{1}{P} \sum_p g_p \log s_p + (1-g_p) \log (1-s_p)

    with s the sigmoid of the logit. It is the main loss of "Audio-Visual
    Segmentation with Semantics", https://arxiv.org/abs/2301.13190, Eq. 2.

    Args:
        on_probabilities (bool): Take the sigmoid first and clamp the logs at
            -100, as AVSBench's released code does. Equal to the exact form
            until the sigmoid saturates; from there (logits beyond about 17 in
            float32) a wrong pixel costs 100 and has no gradient. Defaults to
            False.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to 'loss_bce'.
    """

    def __init__(
        self,
        on_probabilities: bool = False,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_bce',
    ) -> None:
        super().__init__()
        self.on_probabilities = on_probabilities
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
        # Autocast forbids BCE on probabilities; the inputs are no halves here.
        with torch.autocast(scores.device.type, enabled=False):
            if self.on_probabilities:
                cost = F.binary_cross_entropy(
                    scores.sigmoid(), foreground, reduction='none'
                )
            else:
                cost = F.binary_cross_entropy_with_logits(
                    scores, foreground, reduction='none'
                )
        mean = mean_over_ranks((cost * valid).sum(), valid.sum())
        return self.loss_weight * mean

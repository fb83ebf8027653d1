"""Dice loss, frame by frame."""

from torch import Tensor, nn

from mmavs.registry import MODELS

from .binary_target import binary_target
from .mean_over_ranks import mean_over_ranks


@MODELS.register_module()
class FrameDiceLoss(nn.Module):
    r"""Dice loss of each labelled frame, averaged over frames.

    .. math::
        L_n = 1 - \frac{2 \sum_p s_p g_p + a}
                       {\sum_p s_p^k + \sum_p g_p + b}

    with s the sigmoid of the logit. "V-Net", https://arxiv.org/abs/1606.04797,
    Eq. 3, has k = 2 and a = b = 0. AVSegFormer (https://arxiv.org/abs/
    2307.01146) is ``squared=True, smooth_nr=0, smooth_dr=0.002,
    skip_empty=False``.

    On a frame without foreground the overlap is 0 whatever is predicted: the
    loss says nothing of use there (with ``smooth_nr=0`` it is the constant
    1), and is better left to a cross-entropy.

    Args:
        squared (bool): k = 2 instead of 1. Defaults to False.
        smooth_nr (float): a. Defaults to 1.0.
        smooth_dr (float): b. Defaults to 1.0.
        skip_empty (bool): Average over frames with foreground only. Defaults
            to True.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to 'loss_dice'.
    """

    def __init__(
        self,
        squared: bool = False,
        smooth_nr: float = 1.0,
        smooth_dr: float = 1.0,
        skip_empty: bool = True,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_dice',
    ) -> None:
        super().__init__()
        self.squared = squared
        self.smooth_nr = smooth_nr
        self.smooth_dr = smooth_dr
        self.skip_empty = skip_empty
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
            Tensor: Scalar; 0, attached to the graph, if no frame counts.

        Raises:
            ValueError: The logits have several channels.
        """
        scores, foreground, valid = binary_target(
            logits, target, ignore_index, type(self).__name__
        )
        prob = (scores.sigmoid() * valid).flatten(1)
        foreground = foreground.flatten(1)
        overlap = (prob * foreground).sum(dim=1)
        size = (prob**2 if self.squared else prob).sum(dim=1)
        area = foreground.sum(dim=1)
        dice = 1 - (2 * overlap + self.smooth_nr) / (
            size + area + self.smooth_dr
        )
        counts = area > 0 if self.skip_empty else area >= 0
        mean = mean_over_ranks((dice * counts).sum(), counts.sum())
        return self.loss_weight * mean

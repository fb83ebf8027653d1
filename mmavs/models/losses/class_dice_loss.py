"""Dice loss over classes, frame by frame."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.utils.precision import at_least_float32

from .mean_over_ranks import mean_over_ranks


@MODELS.register_module()
class ClassDiceLoss(nn.Module):
    r"""Dice loss of each class in each labelled frame.

    .. math::
        L = \frac{1}{|S|} \sum_{(n, k) \in S} 1 -
            \frac{2 \sum_p s_{nkp} g_{nkp} + a}
                 {\sum_p s_{nkp}^2 + \sum_p g_{nkp} + a}

    with s the softmax over classes, and S the classes that occur in a frame's
    labels. "V-Net", https://arxiv.org/abs/1606.04797, Eq. 3, for several
    classes. A class that a frame does not show has no overlap to gain: its
    term would be close to 1 whatever is predicted, and with 71 classes would
    drown the few that are there; the cross-entropy beside this loss is what
    speaks against false classes.

    Args:
        smooth (float): a. Defaults to 1.0.
        skip_background (bool): Leave class 0 out of S. Defaults to False.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to 'loss_dice'.
    """

    def __init__(
        self,
        smooth: float = 1.0,
        skip_background: bool = False,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_dice',
    ) -> None:
        super().__init__()
        self.smooth = smooth
        self.skip_background = skip_background
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
            Tensor: Scalar; 0, attached to the graph, if no class counts.

        Raises:
            ValueError: The logits have one channel, whose softmax is
                constant.
        """
        num_classes = logits.shape[1]
        if num_classes == 1:
            raise ValueError(
                'ClassDiceLoss needs one channel a class, but gets one. '
                'Mend: set out_channels=num_classes in the decode head, or '
                'use FrameDiceLoss.'
            )
        valid = (target != ignore_index).flatten(1)
        labels = target.flatten(1).masked_fill(~valid, 0)
        prob = at_least_float32(logits).softmax(dim=1).flatten(2)
        prob = prob * valid[:, None]
        hits = prob.gather(1, labels[:, None]).squeeze(1)
        # Sums by class without a one-hot volume of K channels.
        zeros = prob.new_zeros(len(labels), num_classes)
        overlap = zeros.scatter_add(1, labels, hits * valid)
        area = zeros.scatter_add(1, labels, valid.to(prob.dtype))
        size = prob.square().sum(dim=2)
        dice = 1 - (2 * overlap + self.smooth) / (size + area + self.smooth)
        counts = area > 0
        if self.skip_background:
            counts = F.pad(counts[:, 1:], (1, 0))
        mean = mean_over_ranks((dice * counts).sum(), counts.sum())
        return self.loss_weight * mean

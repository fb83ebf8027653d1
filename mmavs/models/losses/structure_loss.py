"""Cross-entropy plus boundary-weighted IoU."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.registry import MODELS

from .binary_target import binary_target
from .mean_over_ranks import mean_over_ranks

# Both from the released code: a window of 31 pixels, weights 1..6.
WINDOW = 31
BOUNDARY_WEIGHT = 5


@MODELS.register_module()
class StructureLoss(nn.Module):
    r"""Binary cross-entropy plus a weighted IoU of each labelled frame.

    The segmentation loss in the released code of "Improving Audio-Visual
    Segmentation with Bidirectional Generation",
    https://arxiv.org/abs/2308.08288 (the paper writes BCE alone, Eq. 3:
    :class:`FrameBCELoss`), after "F3Net", https://arxiv.org/abs/1911.11445,
    Eq. 6 to 9. With s the sigmoid of the logit, g the mask, and
    :math:`w = 1 + 5 |\mathrm{avg}_{31}(g) - g|`, large at boundaries:

    .. math::
        L = \mathrm{BCE}(s, \tilde g) + \frac{1}{L} \sum_n \Big(1 -
            \frac{\sum_p w s g + 1}{\sum_p w (s + g - s g) + 1}\Big),
        \quad \tilde g = (1 - \epsilon) g + \epsilon / 2

    F3Net weights the cross-entropy by w too. The released code means to, but
    takes its mean before the weights come in, and they cancel.

    Args:
        weighted_bce (bool): Weight the cross-entropy by w, frame by frame, as
            F3Net does. Defaults to False, as released.
        label_smoothing (float): epsilon, of the cross-entropy only. Defaults
            to 1e-3, as released.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to 'loss_structure'.
    """

    def __init__(
        self,
        weighted_bce: bool = False,
        label_smoothing: float = 1e-3,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_structure',
    ) -> None:
        super().__init__()
        self.weighted_bce = weighted_bce
        self.label_smoothing = label_smoothing
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, logits: Tensor, target: Tensor, ignore_index: int = 255
    ) -> Tensor:
        """Compute the loss.

        Args:
            logits (Tensor): (L, 1, H, W), raw.
            target (Tensor): (L, H, W) int64, 0 background, other labels
                sounding. A frame without foreground costs a rising area.
            ignore_index (int): Label that is not counted.

        Returns:
            Tensor: Scalar; 0, attached to the graph, without labelled pixels.

        Raises:
            ValueError: The logits have several channels.
        """
        scores, foreground, valid = binary_target(
            logits, target, ignore_index, type(self).__name__
        )
        weight = boundary_weight(foreground) * valid
        real = valid.flatten(1).any(dim=1)
        iou = (1 - _weighted_iou(scores.sigmoid(), foreground, weight)) * real
        loss = mean_over_ranks(iou.sum(), real.sum())
        smooth = (1 - self.label_smoothing) * foreground
        cost = F.binary_cross_entropy_with_logits(
            scores, smooth + self.label_smoothing / 2, reduction='none'
        )
        return self.loss_weight * (loss + self._mean(cost, weight, valid))

    def _mean(self, cost: Tensor, weight: Tensor, valid: Tensor) -> Tensor:
        """Average (L, H, W): over all pixels, or weighted within frames."""
        if not self.weighted_bce:
            return mean_over_ranks((cost * valid).sum(), valid.sum())
        area = weight.flatten(1).sum(dim=1)
        frames = (cost * weight).flatten(1).sum(dim=1) / area.clamp(min=1)
        return mean_over_ranks(frames.sum(), (area > 0).sum())


def boundary_weight(foreground: Tensor) -> Tensor:
    """Weigh pixels by how much their surroundings differ from them.

    Args:
        foreground (Tensor): (L, H, W) in {0, 1}.

    Returns:
        Tensor: (L, H, W) in [1, 6]; the border of the frame counts as
        background.
    """
    surroundings = F.avg_pool2d(
        foreground[:, None], WINDOW, stride=1, padding=WINDOW // 2
    )
    return 1 + BOUNDARY_WEIGHT * (surroundings[:, 0] - foreground).abs()


def _weighted_iou(prob: Tensor, foreground: Tensor, weight: Tensor) -> Tensor:
    """IoU of (L, H, W) probabilities, each frame's own: (L,)."""
    overlap = (prob * foreground * weight).flatten(1).sum(dim=1)
    total = ((prob + foreground) * weight).flatten(1).sum(dim=1)
    return (overlap + 1) / (total - overlap + 1)

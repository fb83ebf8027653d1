"""Losses on the logits of labelled frames, a decode head's ``loss_decode``.

Letters: L labelled frames of P pixels, K classes, s the sigmoid of a logit, g
the mask.
"""

from abc import ABCMeta, abstractmethod
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.precision import at_least_float32
from mmavs.registry import MODELS

from .mean_over_ranks import mean_over_ranks

# StructureLoss, both from the released code: a window of 31 pixels, weights
# 1..6; epsilon of the cross-entropy.
WINDOW = 31
BOUNDARY_WEIGHT = 5
LABEL_SMOOTHING = 1e-3


class FrameLoss(nn.Module, metaclass=ABCMeta):
    """What the losses on labelled frames share.

    A subclass says how to compare (:meth:`compare`), divides by the counts of
    all ranks (:func:`mean_over_ranks`), names itself (``loss_name``) and says
    whether it takes one channel per class (``several_classes``) or one for
    "it sounds".

    Args:
        loss_weight (float): Factor of the loss.
        loss_name (str, optional): Key among the model's losses. Defaults to
            the class's own.
    """

    loss_name = 'loss'
    several_classes = False

    def __init__(
        self, *, loss_weight: float = 1.0, loss_name: Optional[str] = None
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        if loss_name is not None:
            self.loss_name = loss_name

    def forward(
        self, logits: Tensor, target: Tensor, ignore_index: int = 255
    ) -> Tensor:
        """Compute the loss.

        Args:
            logits (Tensor): (L, K, H, W), raw; K = 1 for a binary loss. L may
                be 0.
            target (Tensor): (L, H, W) int64 in 0..K-1; for a binary loss 0 is
                background and any other label sounds.
            ignore_index (int): Label that is not counted.

        Returns:
            Tensor: Scalar, float32 or wider; 0, attached to the graph, if
            nothing counts on any rank.

        Raises:
            ValueError: One channel where classes are compared, or several
                where they are not.
        """
        self._check(logits.shape[1])
        logits, valid = at_least_float32(logits), target != ignore_index
        if not self.several_classes:
            logits = logits.squeeze(1)
            target = ((target != 0) & valid).to(logits.dtype)
        return self.loss_weight * self.compare(logits, target, valid)

    @abstractmethod
    def compare(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """Compute the loss, unweighted.

        Args:
            logits (Tensor): (L, H, W), or (L, K, H, W) of several classes.
            target (Tensor): (L, H, W) in {0, 1}, 0 where not valid, of the
                logits' dtype; or the labels.
            valid (Tensor): (L, H, W) bool, pixels that count.
        """

    def _check(self, channels: int) -> None:
        name = type(self).__name__
        if self.several_classes and channels == 1:
            # the softmax of one channel is constant
            raise ValueError(
                f'{name} needs one channel per class, but gets one. Fix: set '
                'out_channels=num_classes in the decode head, or use '
                'FrameBCELoss and FrameDiceLoss.'
            )
        if not self.several_classes and channels != 1:
            raise ValueError(
                f'{name} compares one channel with a binary mask, but gets '
                f'{channels}. Fix: set out_channels=1 in the decode head, or '
                'use FrameCrossEntropyLoss and ClassDiceLoss.'
            )


@MODELS.register_module()
class FrameBCELoss(FrameLoss):
    r"""Mean binary cross-entropy over all labelled pixels.

    .. math:: L = -\frac{1}{P} \sum_p g_p \log s_p + (1-g_p) \log (1-s_p)

    The main loss of "Audio-Visual Segmentation with Semantics",
    https://arxiv.org/abs/2301.13190, Eq. 2.

    Args:
        on_probabilities (bool): Take the sigmoid first and clamp the logs at
            -100, as AVSBench's released code does. Equal to the exact form
            until the sigmoid saturates; from there (logits beyond about 17 in
            float32) a wrong pixel costs 100 and has no gradient.
        **kwargs: See :class:`FrameLoss`.
    """

    loss_name = 'loss_bce'

    def __init__(self, *, on_probabilities: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.on_probabilities = on_probabilities

    def compare(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """See :meth:`FrameLoss.compare`."""
        # Autocast forbids BCE on probabilities; the inputs are not halves.
        with torch.autocast(logits.device.type, enabled=False):
            if self.on_probabilities:
                cost = F.binary_cross_entropy(
                    logits.sigmoid(), target, reduction='none'
                )
            else:
                cost = F.binary_cross_entropy_with_logits(
                    logits, target, reduction='none'
                )
        return mean_over_ranks((cost * valid).sum(), valid.sum())


@MODELS.register_module()
class SigmoidFocalLoss(FrameLoss):
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
        **kwargs: See :class:`FrameLoss`.
    """

    loss_name = 'loss_focal'

    def __init__(
        self, *, alpha: float = 0.25, gamma: float = 2.0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.gamma = gamma

    def compare(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """See :meth:`FrameLoss.compare`."""
        own = torch.where(target > 0, logits, -logits)
        # 1 - q = sigmoid(-own) and -log q = softplus(-own): exact at any size.
        cost = own.neg().sigmoid() ** self.gamma * F.softplus(-own)
        alpha = torch.where(target > 0, self.alpha, 1 - self.alpha)
        return mean_over_ranks((alpha * cost * valid).sum(), valid.sum())


@MODELS.register_module()
class FrameDiceLoss(FrameLoss):
    r"""Dice loss of each labelled frame, averaged over frames.

    .. math::
        L_n = 1 - \frac{2 \sum_p s_p g_p + a}
                       {\sum_p s_p^k + \sum_p g_p + b}

    "V-Net", https://arxiv.org/abs/1606.04797, Eq. 3, has k = 2 and a = b = 0.
    AVSegFormer (https://arxiv.org/abs/2307.01146) is ``squared=True,
    smooth_nr=0, smooth_dr=0.002, skip_empty=False``.

    On a frame without foreground the overlap is 0 whatever is predicted: the
    loss says nothing of use there (with ``smooth_nr=0`` it is the constant
    1), and is better left to a cross-entropy.

    Args:
        squared (bool): k = 2 instead of 1.
        smooth_nr (float): a.
        smooth_dr (float): b.
        skip_empty (bool): Average over frames with foreground only.
        **kwargs: See :class:`FrameLoss`.
    """

    loss_name = 'loss_dice'

    def __init__(
        self,
        *,
        squared: bool = False,
        smooth_nr: float = 1.0,
        smooth_dr: float = 1.0,
        skip_empty: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.squared = squared
        self.smooth_nr = smooth_nr
        self.smooth_dr = smooth_dr
        self.skip_empty = skip_empty

    def compare(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """See :meth:`FrameLoss.compare`."""
        prob = (logits.sigmoid() * valid).flatten(1)  # (L, P)
        target = target.flatten(1)
        overlap = (prob * target).sum(dim=1)  # (L,)
        size = (prob**2 if self.squared else prob).sum(dim=1)
        area = target.sum(dim=1)
        dice = 1 - (2 * overlap + self.smooth_nr) / (
            size + area + self.smooth_dr
        )
        counts = area > 0 if self.skip_empty else area >= 0
        return mean_over_ranks((dice * counts).sum(), counts.sum())


@MODELS.register_module()
class StructureLoss(FrameLoss):
    r"""Binary cross-entropy plus a boundary-weighted IoU of each frame.

    The segmentation loss in the released code of "Improving Audio-Visual
    Segmentation with Bidirectional Generation",
    https://arxiv.org/abs/2308.08288 (the paper writes BCE alone, Eq. 3:
    :class:`FrameBCELoss`), after "F3Net", https://arxiv.org/abs/1911.11445,
    Eq. 6 to 9. With :math:`w = 1 + 5 |\mathrm{avg}_{31}(g) - g|`, large at
    boundaries:

    .. math::
        L = \mathrm{BCE}(s, \tilde g) + \frac{1}{L} \sum_n \Big(1 -
            \frac{\sum_p w s g + 1}{\sum_p w (s + g - s g) + 1}\Big),
        \quad \tilde g = (1 - \epsilon) g + \epsilon / 2,
        \quad \epsilon = 10^{-3}

    F3Net weights the cross-entropy by w too. The released code means to, but
    takes its mean before the weights come in, and they cancel. A frame
    without foreground costs a rising area.

    Args:
        weighted_bce (bool): Weight the cross-entropy by w, frame by frame, as
            F3Net does. Defaults to False, as released.
        **kwargs: See :class:`FrameLoss`.
    """

    loss_name = 'loss_structure'

    def __init__(self, *, weighted_bce: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.weighted_bce = weighted_bce

    def compare(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """See :meth:`FrameLoss.compare`."""
        weight = boundary_weight(target) * valid  # (L, H, W)
        real = valid.flatten(1).any(dim=1)  # (L,)
        iou = (1 - _weighted_iou(logits.sigmoid(), target, weight)) * real
        smooth = (1 - LABEL_SMOOTHING) * target + LABEL_SMOOTHING / 2
        cost = F.binary_cross_entropy_with_logits(
            logits, smooth, reduction='none'
        )
        if self.weighted_bce:
            area = weight.flatten(1).sum(dim=1)
            frames = (cost * weight).flatten(1).sum(dim=1) / area.clamp(min=1)
            bce = mean_over_ranks(frames.sum(), (area > 0).sum())
        else:
            bce = mean_over_ranks((cost * valid).sum(), valid.sum())
        return mean_over_ranks(iou.sum(), real.sum()) + bce


def boundary_weight(target: Tensor) -> Tensor:
    """Weigh pixels by how much their surroundings differ from them.

    Args:
        target (Tensor): (L, H, W) in {0, 1}.

    Returns:
        Tensor: (L, H, W) in [1, 6]; what lies beyond the frame counts as
        background.
    """
    surroundings = F.avg_pool2d(
        target[:, None], WINDOW, stride=1, padding=WINDOW // 2
    )
    return 1 + BOUNDARY_WEIGHT * (surroundings[:, 0] - target).abs()


def _weighted_iou(prob: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """IoU of (L, H, W) probabilities, each frame's own: (L,)."""
    overlap = (prob * target * weight).flatten(1).sum(dim=1)
    total = ((prob + target) * weight).flatten(1).sum(dim=1)
    return (overlap + 1) / (total - overlap + 1)


@MODELS.register_module()
class FrameCrossEntropyLoss(FrameLoss):
    r"""Cross-entropy of each labelled frame, averaged over frames.

    .. math::
        L = \frac{1}{L} \sum_n \frac{1}{P_n} \sum_p
            -\log \mathrm{softmax}(z_{n,p})_{g_{n,p}}

    so that a frame counts the same however much of it is ignored; the AVSS
    loss of "Audio-Visual Segmentation with Semantics",
    https://arxiv.org/abs/2301.13190, as released.

    Args:
        **kwargs: See :class:`FrameLoss`.
    """

    loss_name = 'loss_ce'
    several_classes = True

    def compare(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """See :meth:`FrameLoss.compare`."""
        nothing = -100
        target = target.masked_fill(~valid, nothing)
        cost = F.cross_entropy(
            logits, target, reduction='none', ignore_index=nothing
        )
        pixels = valid.flatten(1).sum(dim=1)  # (L,)
        frames = cost.flatten(1).sum(dim=1) / pixels.clamp(min=1)
        return mean_over_ranks(frames.sum(), (pixels > 0).sum())


@MODELS.register_module()
class ClassDiceLoss(FrameLoss):
    r"""Dice loss of each class in each labelled frame.

    .. math::
        L = \frac{1}{|S|} \sum_{(n, k) \in S} 1 -
            \frac{2 \sum_p s_{nkp} g_{nkp} + 1}
                 {\sum_p s_{nkp}^2 + \sum_p g_{nkp} + 1}

    with s the softmax over classes, and S the classes that occur in a frame's
    labels. "V-Net", https://arxiv.org/abs/1606.04797, Eq. 3, for several
    classes. A class that a frame does not show has no overlap to gain: its
    term would be close to 1 whatever is predicted, and with 71 classes would
    drown the few that are there; the cross-entropy beside this loss is what
    speaks against false classes.

    Args:
        **kwargs: See :class:`FrameLoss`.
    """

    loss_name = 'loss_dice'
    several_classes = True

    def compare(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """See :meth:`FrameLoss.compare`."""
        valid = valid.flatten(1)  # (L, P)
        labels = target.flatten(1).masked_fill(~valid, 0)
        prob = logits.softmax(dim=1).flatten(2) * valid[:, None]  # (L, K, P)
        hits = prob.gather(1, labels[:, None]).squeeze(1)  # (L, P)
        # Sums by class without a one-hot volume of K channels: (L, K).
        zeros = prob.new_zeros(prob.shape[:2])
        overlap = zeros.scatter_add(1, labels, hits * valid)
        area = zeros.scatter_add(1, labels, valid.to(prob.dtype))
        size = prob.square().sum(dim=2)
        dice = 1 - (2 * overlap + 1) / (size + area + 1)
        counts = area > 0
        return mean_over_ranks((dice * counts).sum(), counts.sum())

"""Keep queries without object away from the sounding ones."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.precision import at_least_float32
from mmavs.registry import MODELS

from .mean_over_ranks import mean_over_ranks

REDUCTIONS = ('sum', 'mean')


@MODELS.register_module()
class SilentObjectLoss(nn.Module):
    r"""Overlap of unmatched masks with all that sounds (L_soas).

    Paper: Audio-Visual Segmentation by Exploring Cross-Modal Mutual
    Semantics, https://arxiv.org/abs/2307.16620, Eq. 4:

    .. math:: L = \frac{1}{N} \sum_{n} \sum_{j \in unmatched}
        \frac{\sum_p s_{jp} u_p}{\sum_p (s_{jp} + u_p - s_{jp} u_p)}

    with s the sigmoid of the mask logit and u the union of the ground truth.
    It lets unmatched queries settle on other, silent objects. Silent regions
    cost nothing: a frame in which nothing sounds contributes 0. N is the
    number of labelled frames of all ranks; without any the loss is 0,
    attached to the graph.

    The intersection and union of Eq. 4 are written for sets; for soft masks
    they are read as product and probabilistic sum, which agree with the sets
    where the masks are binary.

    The paper's "non-object set" is read as the unmatched queries, those that
    Eq. 2 teaches to say "no object". The other reading, the queries whose
    most probable class is "no object", would leave out the very queries that
    claim an object falsely.

    Args:
        reduction (str): 'sum', as Eq. 4, over the unmatched queries of a
            frame; or 'mean', over those of all frames, as MaskFormer's mask
            losses (Eq. 2) are means over the matched ones.
        loss_weight (float): lambda_soas of Eq. 5. Defaults to 1 (section
            3.4); 0 is "w/o L_soas" of Table 3.
        loss_name (str): Defaults to 'loss_silent'.

    Raises:
        ValueError: An unknown reduction.
    """

    def __init__(
        self,
        reduction: str = 'sum',
        loss_weight: float = 1.0,
        loss_name: str = 'loss_silent',
    ) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(
                f'reduction must be one of {REDUCTIONS}, got {reduction!r}'
            )
        self.reduction = reduction
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, mask_logits: Tensor, unmatched: Tensor, union: Tensor
    ) -> Tensor:
        """Compute the loss.

        Args:
            mask_logits (Tensor): (L, Q, h, w), raw.
            unmatched (Tensor): (L, Q) bool, True for a query that answers for
                no labelled object.
            union (Tensor): (L, H, W) in {0, 1}, all sounding pixels; brought
                to (h, w) by nearest neighbour.

        Returns:
            Tensor: Scalar, not negative.
        """
        count = torch.tensor(len(mask_logits), device=mask_logits.device)
        if self.reduction == 'mean':
            count = unmatched.sum()
        if not len(mask_logits):
            return mean_over_ranks(mask_logits.sum() * 0, count)
        mask_logits = at_least_float32(mask_logits)
        union = union[:, None].to(mask_logits.dtype)
        union = F.interpolate(union, mask_logits.shape[-2:])
        with torch.autocast(mask_logits.device.type, enabled=False):
            masks = mask_logits.sigmoid().flatten(2)  # (L, Q, P)
            union = union.flatten(2)  # (L, 1, P)
            overlap = (masks @ union.transpose(1, 2)).squeeze(-1)  # (L, Q)
            total = masks.sum(-1) + union.sum(-1) - overlap
            # a mask may underflow to nothing, and a union be empty
            share = overlap / total.clamp(min=1e-6)
        total = (share * unmatched).sum()
        return self.loss_weight * mean_over_ranks(total, count)

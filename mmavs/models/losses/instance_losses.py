"""Losses of predicted instances against the labelled ones."""

from typing import Dict, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.layers.instance_decoder import Prediction
from mmavs.models.precision import at_least_float32
from mmavs.models.task_modules.hungarian_matcher import (
    MASK_COSTS,
    HungarianMatcher,
    dice_cost,
    sample_points,
    uncertain_points,
)
from mmavs.models.task_modules.instance_targets import instance_targets
from mmavs.structures import LabeledFrames

from .mean_over_ranks import mean_over_ranks
from .silent_object_loss import SilentObjectLoss


class InstanceSetLoss(nn.Module):
    r"""Category loss of all queries, mask losses of the matched ones.

    Paper: Audio-Visual Segmentation by Exploring Cross-Modal Mutual
    Semantics, https://arxiv.org/abs/2307.16620, Eq. 2 and 3:

    .. math:: -\log p_{\sigma(j)}(c) + \lambda_f L_{focal} + \lambda_d L_{dice}

    The cross-entropy is the mean over all queries, where one without object
    weighs ``no_object_weight``; the mask losses are the mean over the matched
    queries of the batch. Both means are taken over all ranks. Without any
    object the mask losses are 0, without a labelled frame all are, attached
    to the graph.

    Args:
        num_categories (int): K.
        cls_weight (float): Of the cross-entropy. Defaults to 1 (MaskFormer).
        mask_weight (float): lambda_f. Defaults to 20 (section 3.4).
        dice_weight (float): lambda_d. Defaults to 1 (section 3.4).
        mask_loss (str): 'focal' (Eq. 3) or 'bce' (Mask2Former).
        no_object_weight (float): Defaults to 0.1 (MaskFormer).
        num_points (int, optional): Compare masks at this many points, three
            quarters of them near edges, as Mask2Former; None compares all
            pixels of the labels, as MaskFormer.

    Raises:
        ValueError: An unknown ``mask_loss``.
    """

    def __init__(
        self,
        num_categories: int,
        cls_weight: float = 1.0,
        mask_weight: float = 20.0,
        dice_weight: float = 1.0,
        mask_loss: str = 'focal',
        no_object_weight: float = 0.1,
        num_points: Optional[int] = None,
    ) -> None:
        super().__init__()
        if mask_loss not in MASK_COSTS:
            raise ValueError(
                f'mask_loss must be one of {sorted(MASK_COSTS)}, '
                f'got {mask_loss!r}'
            )
        self.num_categories = num_categories
        self.cls_weight = cls_weight
        self.mask_weight = mask_weight
        self.dice_weight = dice_weight
        self.mask_cost = MASK_COSTS[mask_loss]
        self.num_points = num_points
        # what is matched by is what is trained on (MaskFormer, section 3.2)
        self.matcher = HungarianMatcher(
            cls_weight, mask_weight, dice_weight, mask_loss, num_points
        )
        weight = torch.ones(num_categories + 1)
        weight[-1] = no_object_weight
        self.register_buffer('class_weight', weight, persistent=False)

    def forward(
        self,
        class_logits: Tensor,
        mask_logits: Tensor,
        labels: Sequence[Tensor],
        masks: Sequence[Tensor],
    ) -> Tuple[Dict[str, Tensor], Tensor]:
        """Match, and compute the losses.

        Args:
            class_logits (Tensor): (L, Q, K + 1), raw; the last is "no
                object".
            mask_logits (Tensor): (L, Q, h, w), raw.
            labels (Sequence[Tensor]): L times (G,) int64 in 0..K-1.
            masks (Sequence[Tensor]): L times (G, H, W) in {0, 1}.

        Returns:
            tuple: Scalars ``loss_cls``, ``loss_mask``, ``loss_dice`` in a
            dict, and (L, Q) bool, True for a query without object.
        """
        matches = self.matcher(class_logits, mask_logits, labels, masks)
        wanted = torch.full(  # (L, Q), at first no object for all
            class_logits.shape[:2],
            self.num_categories,
            device=class_logits.device,
        )
        pairs = []
        for frame, (queries, objects) in enumerate(matches):
            wanted[frame, queries] = labels[frame][objects]
            pairs.append((mask_logits[frame, queries], masks[frame][objects]))
        loss_cls = self._class_loss(class_logits, wanted)
        loss_mask, loss_dice = self._mask_losses(pairs, mask_logits)
        losses = dict(
            loss_cls=self.cls_weight * loss_cls,
            loss_mask=self.mask_weight * loss_mask,
            loss_dice=self.dice_weight * loss_dice,
        )
        return losses, wanted == self.num_categories

    def _class_loss(self, class_logits: Tensor, wanted: Tensor) -> Tensor:
        """Cross-entropy of (L, Q, K + 1) and (L, Q), weighted mean."""
        wanted = wanted.flatten()
        class_logits = at_least_float32(class_logits.flatten(0, 1))
        weight = self.class_weight.to(class_logits.dtype)
        total = F.cross_entropy(class_logits, wanted, weight, reduction='sum')
        return mean_over_ranks(total, weight[wanted].sum())

    def _mask_losses(
        self, pairs: Sequence[Tuple[Tensor, Tensor]], mask_logits: Tensor
    ) -> Tuple[Tensor, Tensor]:
        """Compare L times (G, h, w) logits with (G, H, W) masks."""
        pairs = [pair for pair in pairs if len(pair[0])]
        count = sum(len(predicted) for predicted, _ in pairs)
        count = torch.tensor(float(count), device=mask_logits.device)
        if pairs:
            # (M, h, w)
            predicted = at_least_float32(torch.cat([p for p, _ in pairs]))
            targets = torch.cat([t for _, t in pairs]).to(predicted.dtype)
            with torch.autocast(predicted.device.type, enabled=False):
                # (M, P)
                predicted, targets = self._comparable(predicted, targets)
                sums = (
                    self.mask_cost(predicted, targets, True).sum(),
                    dice_cost(predicted, targets, True).sum(),
                )
        else:
            # halves would overflow
            nothing = at_least_float32(mask_logits).sum() * 0
            sums = (nothing, nothing)
        mask_mean, dice_mean = (mean_over_ranks(s, count) for s in sums)
        return mask_mean, dice_mean

    def _comparable(
        self, predicted: Tensor, targets: Tensor
    ) -> Tuple[Tensor, Tensor]:
        """Bring (M, h, w) and (M, H, W) to (M, P) each."""
        if self.num_points is None:
            predicted = F.interpolate(
                predicted[:, None], targets.shape[-2:], mode='bilinear'
            )
            return predicted.flatten(1), targets.flatten(1)
        points = uncertain_points(predicted, self.num_points)
        return sample_points(predicted, points), sample_points(targets, points)


def instance_losses(
    predictions: Sequence[Prediction],
    labels: LabeledFrames,
    categories: Sequence[str],
    set_loss: InstanceSetLoss,
    silent_loss: Optional[SilentObjectLoss],
) -> Dict[str, Tensor]:
    """Compare every layer's prediction with the labelled instances.

    Paper: Audio-Visual Segmentation by Exploring Cross-Modal Mutual
    Semantics, https://arxiv.org/abs/2307.16620, Eq. 5.

    Args:
        predictions (Sequence[Prediction]): Of N frames, the final one last.
        labels (LabeledFrames): The L labelled frames.
        categories (Sequence[str]): K names.
        set_loss (InstanceSetLoss): Eq. 2 and 3.
        silent_loss (SilentObjectLoss, optional): Eq. 4.

    Returns:
        dict[str, Tensor]: Scalars; ``d{i}.`` stands before the names of
        earlier layers.
    """
    targets = [instance_targets(frame, categories) for frame in labels.frames]
    classes = [label for label, _ in targets]
    masks = [mask for _, mask in targets]
    union = labels.masks == 1
    losses: Dict[str, Tensor] = {}
    for index, prediction in enumerate(predictions):
        class_logits, mask_logits = (
            part[labels.indices] for part in prediction
        )
        terms, unmatched = set_loss(class_logits, mask_logits, classes, masks)
        if silent_loss is not None:
            terms[silent_loss.loss_name] = silent_loss(
                mask_logits, unmatched, union
            )
        prefix = '' if index == len(predictions) - 1 else f'd{index}.'
        losses.update({prefix + name: v for name, v in terms.items()})
    return losses

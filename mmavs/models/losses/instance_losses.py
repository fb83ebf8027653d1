"""All losses of predicted instances, layer by layer."""

from typing import Dict, Optional, Sequence

from torch import Tensor

from mmavs.models.layers.instance_decoder import Prediction
from mmavs.models.task_modules.instance_targets import instance_targets
from mmavs.structures import LabeledFrames

from .instance_set_loss import InstanceSetLoss
from .silent_object_loss import SilentObjectLoss


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

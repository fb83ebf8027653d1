"""Losses that plug into any method, by config."""

from typing import Dict, List, Sequence, Tuple

from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVHeadOutput, LabeledFrames

from .mixes_frames import mixes_frames

# 'neck' is what leaves the last neck, 'neck.0' what leaves the first
FEATURE_STAGES = ('encoders', 'neck', 'neck.<index>', 'head')


class AuxiliaryLosses(nn.ModuleList):
    """The auxiliary losses of a model, and which features each is given.

    Args:
        configs (Sequence[dict]): ``dict(type=..., features=...)`` each, with
            ``features`` one of 'encoders', 'neck' (default), 'neck.<index>'
            or 'head'.
        num_necks (int): How many necks the model has.

    Raises:
        ValueError: Features that the model does not have.
    """

    def __init__(self, configs: Sequence[dict], num_necks: int) -> None:
        super().__init__()
        # 'head', or an index into [encoders, neck 0, neck 1, ...]
        self.stages = []
        known = {f'neck.{i}': i + 1 for i in range(num_necks)}
        known.update(encoders=0, neck=-1, head='head')
        for config in configs:
            config = dict(config)
            stage = config.pop('features', 'neck')
            if stage not in known:
                raise ValueError(
                    f'auxiliary loss {config.get("type")}: features '
                    f'must be one of {FEATURE_STAGES}, got {stage!r} in a '
                    f'model of {num_necks} necks'
                )
            self.append(MODELS.build(config))
            self.stages.append(known[stage])

    def compute(
        self,
        stages: List[AVFeatures],
        output: AVHeadOutput,
        labels: LabeledFrames,
        of_all: Tuple[List[AVFeatures], LabeledFrames],
    ) -> Dict[str, Tensor]:
        """Call every loss with the features it asked for.

        Args:
            stages (list[AVFeatures]): What leaves the encoders, then each
                neck, of all frames or of the labelled ones.
            output (AVHeadOutput): Of the decode head, likewise.
            labels (LabeledFrames): The batch's labelled frames among these.
            of_all (tuple): Stages and labels of all frames, of as many stages
                as losses that mix frames ask for; these get no logits where
                the head saw labelled frames alone.

        Returns:
            dict[str, Tensor]: The terms under the names the losses give.

        Raises:
            ValueError: Two losses give a term of one name.
        """
        losses: Dict[str, Tensor] = {}
        alone = labels is not of_all[1]
        for loss, stage in zip(self, self.stages):
            if alone and mixes_frames(loss):
                terms = loss(of_all[0][stage], None, of_all[1])
            else:
                given = output.features if stage == 'head' else stages[stage]
                terms = loss(given, output.logits, labels)
            twice = terms.keys() & losses.keys()
            if twice:
                raise ValueError(
                    f'auxiliary losses share the name {twice}; '
                    'give one of them another loss_name'
                )
            losses.update(terms)
        return losses

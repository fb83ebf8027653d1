"""What a model could reach that knows every outline and hears nothing."""

from typing import Dict, Iterator, Tuple

import numpy as np

from mmavs.evaluation.functional import evaluate_binary

from .generate import Plan
from .layouts import LAYOUTS
from .scene import FRAME_OFFSET
from .script import ClipScript
from .world import SyntheticWorld
from .writers import frame_size, sounding_labels


def deaf_oracle(plan: Plan, split: str = 'test') -> Dict[str, float]:
    """Score the outlines of all that is visible, whatever sounds.

    Looks do not tell who sounds, so a model without sound cannot choose among
    the objects; this one draws each of them without a flaw.

    Args:
        plan (Plan): Of a binary set ('s4', 's4-alone', 'ms3').
        split (str): Whose clips are scored, protocol ``avsbench`` with one
            clip per batch.

    Returns:
        dict[str, float]: ``J``, ``F`` and ``sounding``, the share of pixels
        it segments, in percent; under every sound the same.
    """
    world = SyntheticWorld()
    size = frame_size(LAYOUTS[plan.setting], plan.size)
    shares = []

    def clips() -> Iterator[Tuple[np.ndarray, np.ndarray]]:
        for script, of_split in plan.scripts(len(world.classes)):
            if of_split == split:
                seen, target = _masks(world, script, size)
                shares.append(seen.mean())
                yield seen, target

    scores = evaluate_binary(clips(), from_logits=False)
    return dict(
        J=scores['mIoU'],
        F=scores['mFscore'],
        sounding=100 * float(np.mean(shares)),
    )


def _masks(
    world: SyntheticWorld, script: ClipScript, size: Tuple[int, int]
) -> Tuple[np.ndarray, np.ndarray]:
    """Draw what is seen (T, H, W) float32, and what sounds, uint8."""
    scene = world.scene(script, size)
    owners = [
        scene.render(t + FRAME_OFFSET)[1] for t in range(script.num_frames)
    ]
    sounding = [
        sounding_labels(owner, labels) > 0
        for owner, labels in zip(owners, script.sounding)
    ]
    seen = np.stack(owners) > 0
    return seen.astype(np.float32), np.stack(sounding).astype(np.uint8)

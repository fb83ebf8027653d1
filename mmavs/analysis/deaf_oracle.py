"""What a model could reach that knows every outline and hears nothing."""

import functools
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

import numpy as np

from mmavs.datasets.composed.compose import ComposedWorld
from mmavs.datasets.composed.material import Material
from mmavs.datasets.preparation.pool import run_all
from mmavs.datasets.synthetic.generate import Plan, read_side_file
from mmavs.datasets.synthetic.layouts import LAYOUTS
from mmavs.datasets.synthetic.scene import FRAME_OFFSET
from mmavs.datasets.synthetic.script import ClipScript
from mmavs.datasets.synthetic.world import SyntheticWorld, World
from mmavs.datasets.synthetic.writers import frame_size, sounding_labels
from mmavs.evaluation.functional import evaluate_binary, evaluate_semantic


def deaf_oracle(plan: Plan, split: str = 'test') -> Dict[str, float]:
    """Score the outlines of all that is visible, whatever sounds.

    Looks do not tell who sounds, so a model without sound cannot choose among
    the objects; this one draws each of them without a flaw, and in AVSS names
    its class.

    Args:
        plan (Plan): Of a set.
        split (str): Whose clips are scored, protocol ``avsbench`` with one
            clip per batch; in AVSS the mean over the classes that the set has.

    Returns:
        dict[str, float]: ``J``, ``F`` and ``sounding``, the share of pixels
        it segments, in percent; under every sound the same.
    """
    world = SyntheticWorld()
    layout = LAYOUTS[plan.setting]
    size = frame_size(layout, plan.size)
    shares = []

    def clips() -> Iterator[Tuple[np.ndarray, np.ndarray]]:
        for script, of_split in plan.scripts(len(world.classes)):
            if of_split == split:
                seen, target = _labels(script, world, size)
                shares.extend((seen > 0).mean((1, 2)))
                if not layout.semantic:
                    seen, target = _binary(seen, target)
                yield seen, target

    if layout.semantic:
        scores = evaluate_semantic(clips(), 1 + len(world.classes))
    else:
        scores = evaluate_binary(clips(), from_logits=False)
    return dict(
        J=scores['mIoU'],
        F=scores['mFscore'],
        sounding=100 * float(np.mean(shares)),
    )


class Deaf(NamedTuple):
    """Scores of an oracle that sees every outline and hears nothing.

    Attributes:
        split (str): On which it is scored.
        clips (int): How many.
        mIoU (float): J of marking all that is visible, in percent.
        mFscore (float): Its F, in percent.
    """

    split: str
    clips: int
    mIoU: float
    mFscore: float


def score_deaf(
    data_root: Path,
    material: Material,
    most: int = 200,
    workers: Optional[int] = None,
) -> Deaf:
    """Score the oracle without hearing on clips of a set.

    What a model reaches above it, it heard.

    Args:
        data_root (Path): From :func:`ensure_composed`.
        material (Material): Of the set.
        most (int): Score so many clips, from the first on, of the last split
            that has any. Defaults to 200.
        workers (int, optional): Processes; defaults to the usable CPUs.

    Returns:
        Deaf: The scores, under AVSBench's protocol.
    """
    plan = Plan(**read_side_file(data_root)['plan'])
    layout = LAYOUTS[plan.setting]
    world = ComposedWorld(material.folder, layout.semantic)
    jobs = plan.scripts(len(world.classes))
    split = jobs[-1][1]
    scripts = [script for script, of in jobs if of == split][:most]
    size = frame_size(layout, plan.size)
    work = functools.partial(_masks, world=world, size=size)
    found = dict(run_all(work, scripts, 'oracle', workers, progress=False))
    clips = (found[i] for i in range(len(scripts)))
    scores = evaluate_binary(clips, from_logits=False)
    return Deaf(split, len(scripts), scores['mIoU'], scores['mFscore'])


def _masks(
    script: ClipScript, world: World, size: Tuple[int, int]
) -> Tuple[np.ndarray, np.ndarray]:
    """Draw what is seen (T, H, W) float32, and what sounds, uint8."""
    return _binary(*_labels(script, world, size))


def _binary(
    seen: np.ndarray, sounding: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Forget the classes: a prediction float32 and a target uint8 of 0, 1."""
    return (seen > 0).astype(np.float32), (sounding > 0).astype(np.uint8)


def _labels(
    script: ClipScript, world: World, size: Tuple[int, int]
) -> Tuple[np.ndarray, np.ndarray]:
    """Draw label + 1 of what is seen and of what sounds, (T, H, W) uint8."""
    scene = world.scene(script, size)
    owners = [
        scene.render(t + FRAME_OFFSET)[1] for t in range(script.num_frames)
    ]
    sounding = [
        sounding_labels(owner, labels)
        for owner, labels in zip(owners, script.sounding)
    ]
    return np.stack(owners), np.stack(sounding)

"""Making a whole data set of scripted clips, once.

``synthetic.json`` beside the csv is what the real data do not have: who made
the folder and how, and for every clip its group and who sounds in each
second.
"""

import csv
import functools
import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from filelock import FileLock

from mmavs.files.text_files import read_json
from mmavs.files.whole_files import whole_file, write_text

from .layouts import LAYOUTS, SETTINGS
from .script import SPLITS, ClipScript, write_script
from .world import SyntheticWorld, World
from .writers import write_clip

SIDE_FILE = 'synthetic.json'
DEFAULT_CLIPS = {'train': 400, 'val': 60, 'test': 100}
DEFAULT_SIZE = 224
_CONTENT = dict(maker=str, complete=bool, plan=dict, classes=list, clips=dict)


class Plan(NamedTuple):
    """What a folder is to hold.

    Attributes:
        setting (str): 's4', 's4-alone', 'ms3', 'all' or 'avss'.
        clips (dict): Number of clips of each split.
        size (int): Shorter side of the frames in pixels.
        seed (int): Same seed, same files.
        video (bool): Also write the raw videos.
    """

    setting: str
    clips: Dict[str, int]
    size: int
    seed: int
    video: bool

    def scripts(self, num_classes: int) -> List[Tuple[ClipScript, str]]:
        """Give (script, split) of every clip, in the order of the csv."""
        return [
            (self._nth(split, i, num_classes), split)
            for split in SPLITS
            for i in range(self.clips.get(split, 0))
        ]

    def _nth(self, split: str, index: int, num_classes: int) -> ClipScript:
        """Take the kinds of a setting in turn."""
        kinds = LAYOUTS[self.setting].kinds
        turn, kind = divmod(index, len(kinds))
        return write_script(kinds[kind], split, turn, self.seed, num_classes)


def ensure_synthetic(
    root: Union[str, Path],
    setting: str,
    clips: Optional[Dict[str, int]] = None,
    size: Optional[int] = None,
    seed: Optional[int] = None,
    video: bool = False,
    workers: Optional[int] = None,
    progress: bool = True,
) -> Path:
    """Make the synthetic twin of one AVSBench setting unless it is there.

    What is left open (None) is taken as it is found in a finished folder,
    and has defaults (224 px, 400 / 60 / 100 clips, seed 0) in a new one. An
    interrupted run is carried on; more clips than there are get added.

    Args:
        root (str or Path): Folder of all settings, e.g. ``data/synthetic``.
        setting (str): 's4', 's4-alone', 'ms3', 'all' or 'avss'.
        clips (dict, optional): Clips by split, e.g. ``dict(train=1000)``.
        size (int, optional): Shorter side of the frames in pixels.
        seed (int, optional): Seed of everything.
        video (bool): Also write mp4 files with sound.
        workers (int, optional): Processes; defaults to the usable CPUs.
        progress (bool): Show a progress bar.

    Returns:
        Path: The data root of the setting, as the data sets want it.

    Raises:
        ValueError: Unknown setting or split, too small a size, or a folder
            made with other choices.
        FileExistsError: The folder holds something this did not make.
    """
    plan = (clips, size, seed, video)
    return ensure_set(
        root, setting, *plan, SyntheticWorld(), workers, progress
    )


def ensure_set(
    root: Union[str, Path],
    setting: str,
    clips: Optional[Dict[str, int]],
    size: Optional[int],
    seed: Optional[int],
    video: bool,
    world: World,
    workers: Optional[int] = None,
    progress: bool = True,
) -> Path:
    """As :func:`ensure_synthetic`, of any world.

    Raises:
        ValueError: As there; the folder is of another world or of other
            material.
        FileExistsError: As there.
    """
    if setting not in SETTINGS:
        raise ValueError(
            f'unknown setting {setting!r}. Fix: take one of {SETTINGS}'
        )
    folder = Path(root) / LAYOUTS[setting].folder
    wanted = (setting, clips, size, seed, video)
    if _missing_plan(folder, world, *wanted) is None:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # The ranks of one job may all ask: the first makes, the others wait.
    with FileLock(folder.parent / f'.{folder.name}.lock'):
        plan = _missing_plan(folder, world, *wanted)
        if plan is not None:
            folder.mkdir(exist_ok=True)
            _write_side_file(folder, plan, world, complete=False)
            _write_clips(folder, plan, world, workers, progress)
            _write_csv(folder, plan, world)
            _write_side_file(folder, plan, world, complete=True)
    return folder


def _missing_plan(
    folder: Path, world: World, setting: str, *wanted
) -> Optional[Plan]:
    """Give what is to be made, or None if it is all there."""
    found = read_side_file(folder)
    plan = _plan(folder, found, setting, *wanted)
    if found:
        _check_same_world(folder, found, world)
    current = found and found['maker'] == world.maker and found['complete']
    if current and found['plan'] == _public(plan):
        return None
    return plan


def _check_same_world(folder: Path, found: dict, world: World) -> None:
    """Refuse to add clips of another kind to those of a folder."""
    kind = world.maker.partition(',')[0]
    if found['maker'].partition(',')[0] != kind:
        other = f'of {found["maker"]}, not of {kind}'
    elif found.get('material', '') != world.material:
        other = 'made of other pictures, recordings or backgrounds'
    else:
        return
    raise ValueError(
        f'{folder} holds clips {other}. Fix: choose another output folder, '
        'or delete this one.'
    )


def read_side_file(folder: Union[str, Path]) -> Optional[dict]:
    """Read ``synthetic.json`` of a data root.

    Returns:
        dict or None: None if there is no such file, as in real data.

    Raises:
        ValueError: The file is damaged, or lacks what this tool writes.
    """
    path = Path(folder) / SIDE_FILE
    if not path.exists():
        return None
    fix = (
        f'delete {path.parent} and make it again ({SyntheticWorld.tool}, or '
        'compose_clips.py beside it).'
    )
    content = read_json(path, fix)
    odd = [
        name
        for name, kind in _CONTENT.items()
        if not isinstance(content.get(name), kind)
    ]
    if not odd and not _is_plan(content['plan']):
        odd = ['plan']
    if not odd and not all(isinstance(n, str) for n in content['classes']):
        odd = ['classes']
    labels = range(len(content['classes'])) if not odd else ()
    clips = content['clips'].values() if not odd else ()
    if not odd and not all(_is_clip(clip, labels) for clip in clips):
        odd = ['clips']
    if odd:
        raise ValueError(
            f'{path} is damaged, or another tool made it: its {odd} are not '
            f'what they should be. Fix: {fix}'
        )
    return content


def _is_plan(plan: dict) -> bool:
    """Whether the plan of a side file is one that this tool writes."""
    return (
        set(plan) == set(Plan._fields)
        and plan['setting'] in SETTINGS
        and isinstance(plan['clips'], dict)
        and set(plan['clips']) <= set(SPLITS)
        and all(type(n) is int for n in plan['clips'].values())
        and type(plan['size']) is type(plan['seed']) is int
        and isinstance(plan['video'], bool)
    )


def _is_clip(clip: object, labels: Sequence[int]) -> bool:
    """Whether a clip of a side file is one that this tool writes."""
    if not isinstance(clip, dict):
        return False
    seconds = [clip.get('visible')]
    for name in ('sounding', 'off_screen'):
        if not isinstance(clip.get(name), list):
            return False
        seconds += clip[name]
    return all(
        isinstance(second, list) and all(label in labels for label in second)
        for second in seconds
    )


def _plan(
    folder: Path,
    found: Optional[dict],
    setting: str,
    clips: Optional[Dict[str, int]],
    size: Optional[int],
    seed: Optional[int],
    video: bool,
) -> Plan:
    """Join what is wanted with what is there."""
    unknown = set(clips or ()) - set(SPLITS)
    if unknown:
        raise ValueError(f'unknown split {unknown}; there are {SPLITS}')
    if found is None:
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(
                f'{folder} holds files that this tool did not make, and will '
                'not be touched. Fix: choose another output folder.'
            )
        old = Plan(setting, DEFAULT_CLIPS, DEFAULT_SIZE, 0, False)
    else:
        old = Plan(**found['plan'])
    plan = Plan(
        setting,
        old.clips if clips is None else dict(clips),
        old.size if size is None else size,
        old.seed if seed is None else seed,
        video or old.video,
    )
    if plan.size < 32:
        raise ValueError(f'size must be at least 32 pixels, got {plan.size}')
    if found is not None:
        plan = plan._replace(clips=_most(plan.clips, old.clips))
        _check_same(folder, plan, old)
    return plan


def _most(wanted: Dict[str, int], there: Dict[str, int]) -> Dict[str, int]:
    return {s: max(wanted.get(s, 0), there.get(s, 0)) for s in SPLITS}


def _check_same(folder: Path, plan: Plan, old: Plan) -> None:
    for key in ('size', 'seed'):
        mine, theirs = getattr(plan, key), getattr(old, key)
        if mine != theirs:
            raise ValueError(
                f'{folder} was made with {key}={theirs}, not {mine}. '
                f'Fix: take {key}={theirs}, choose another output folder, '
                'or delete this one.'
            )


def _public(plan: Plan) -> dict:
    return dict(plan._asdict(), clips=_most(plan.clips, {}))


def _write_clips(
    folder: Path,
    plan: Plan,
    world: World,
    workers: Optional[int],
    progress: bool,
) -> None:
    """Write all clips in several processes."""
    # at its use: preparation itself needs the data sets, and they this file
    from ..preparation.pool import run_all

    work = functools.partial(
        _write_clip, folder=folder, plan=plan, world=world
    )
    scripts = plan.scripts(len(world.classes))
    title = f'{plan.setting} clips'
    for _ in run_all(work, scripts, title, workers, progress):
        pass


def _write_clip(
    job: Tuple[ClipScript, str], folder: Path, plan: Plan, world: World
) -> None:
    script, split = job
    layout = LAYOUTS[plan.setting]
    write_clip(folder, layout, script, split, plan.size, plan.video, world)


def _write_csv(folder: Path, plan: Plan, world: World) -> None:
    layout = LAYOUTS[plan.setting]
    with (
        whole_file(folder / layout.csv_name) as partial,
        partial.open('w', newline='') as file,
    ):
        writer = csv.writer(file)
        writer.writerow(layout.columns)
        writer.writerows(
            layout.row(*job, world.classes)
            for job in plan.scripts(len(world.classes))
        )
    if layout.semantic:
        from ..avss_classes import AVSS_CLASSES

        table = {name: i for i, name in enumerate(AVSS_CLASSES)}
        write_text(folder / 'label2idx.json', json.dumps(table, indent=1))


def _write_side_file(
    folder: Path, plan: Plan, world: World, complete: bool
) -> None:
    names = [kind.name for kind in world.classes]
    clips = {
        script.clip_id: dict(
            split=split,
            group=script.group,
            visible=list(script.visible),
            sounding=[list(second) for second in script.sounding],
            off_screen=[list(second) for second in script.off_screen],
        )
        for script, split in plan.scripts(len(world.classes))
    }
    content = dict(
        maker=world.maker,
        complete=complete,
        plan=_public(plan),
        classes=names,
        clips=clips if complete else {},
    )
    if world.material:
        content['material'] = world.material
    write_text(folder / SIDE_FILE, json.dumps(content, indent=1))

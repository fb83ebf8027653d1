"""What a training leaves in its work dir, and what it was made from."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Iterator, List, Optional, Union

from mmengine.config import Config

from mmavs.compat import load_checkpoint
from mmavs.files.text_files import read_json
from mmavs.files.whole_files import write_text

NOTE = 'run.json'
DONE = 'done'  # its training has come to its end
_LAST = 'last_checkpoint'
_AGAIN = 'remove the folder, and call again.'
_NUMBERED = re.compile(r'(?:epoch|iter)_(\d+)\.pth')


def set_work_dir(config: Config, folder: Optional[str] = None) -> None:
    """Say where a run writes, and keep the file that its config came from.

    mmengine copies the config as it runs, options and all, into the work dir
    under the name of its file. Of a config that was read from there, the copy
    is named after the time instead.

    Args:
        config (Config): Read from a file; changed in place.
        folder (str, optional): Defaults to the config's own ``work_dir``, or
            to ``work_dirs/`` and the name of its file.
    """
    path = Path(config.filename)
    if folder or config.get('work_dir') is None:
        config.work_dir = folder or str(Path('work_dirs') / path.stem)
    copy = Path(config.work_dir) / path.name
    if copy.exists() and copy.samefile(path):
        # mmengine's Config guards its fields
        object.__setattr__(config, '_filename', None)


def last_checkpoint(work_dir: Union[str, Path]) -> Optional[Path]:
    """Find the checkpoint from which a training goes on.

    Args:
        work_dir (str or Path): Of a training, or not there yet.

    Returns:
        Path, optional: What ``last_checkpoint`` names, wherever the folder
        was moved to; without such a file the one of the highest number; None
        if there is no checkpoint.

    Raises:
        FileNotFoundError: What ``last_checkpoint`` names is not there.
    """
    folder = Path(work_dir)
    note = folder / _LAST
    if not note.is_file():
        return next(iter(numbered_checkpoints(folder)), None)
    noted = note.read_text('utf-8', 'replace').strip()
    return _where_it_is_now(noted, folder, note)


def numbered_checkpoints(folder: Path) -> List[Path]:
    """List ``epoch_*.pth`` and ``iter_*.pth``, the highest number first."""
    found = {
        path: int(match[1])
        for path in folder.glob('*.pth')
        for match in [_NUMBERED.fullmatch(path.name)]
        if match
    }
    return sorted(found, key=found.__getitem__, reverse=True)


def best_checkpoint(work_dir: Union[str, Path]) -> Path:
    """Find the best checkpoint of a training, as the training noted it.

    Other files of the folder that are called best may be of a training that
    was stopped. Where several metrics have a best one each, that of the first
    is given.

    Args:
        work_dir (str or Path): Of a training that has validated.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: There is no checkpoint, or the best is gone.
        RuntimeError: The last checkpoint cannot be read.
        ValueError: The training noted none.
    """
    last = last_checkpoint(work_dir)
    if last is None:
        raise FileNotFoundError(
            f'no checkpoint in {work_dir}. Fix: train first, with '
            f'tools/train.py CONFIG --work-dir {work_dir}'
        )
    hub = load_checkpoint(last).get('message_hub') or {}
    for key, value in (hub.get('runtime_info') or {}).items():
        if key.startswith('best_ckpt') and value:
            return _where_it_is_now(value, Path(work_dir), last)
    raise ValueError(
        f'{last} names no best checkpoint: the training did not validate, or '
        'without save_best. Fix: default_hooks.checkpoint.save_best=mIoU'
    )


def note_run(work_dir: Union[str, Path], config: Config) -> None:
    """Note what a run is made from, or refuse the folder of another run.

    Args:
        work_dir (str or Path): Made if absent.
        config (Config): Of the run, options merged. The content of the file
            that ``load_from`` names counts, not its path alone.

    Raises:
        ValueError: The folder holds a run of another config, or one of which
            is not known how it was made; names the fields that differ.
    """
    folder = Path(work_dir)
    mine = json.loads(json.dumps(config.to_dict(), default=str))
    start = config.get('load_from')
    if start and Path(start).is_file():
        mine['load_from'] = hashlib.sha256(
            Path(start).read_bytes()
        ).hexdigest()
    note = folder / NOTE
    if note.is_file():
        differ = list(_differences(read_json(note, _AGAIN), mine))
        if differ:
            raise ValueError(
                f'{folder} holds a run of another config; what differs: '
                f'{", ".join(differ[:8])}{" ..." if differ[8:] else ""}. Fix: '
                'choose another --work-dir, or remove that folder.'
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise ValueError(
            f'{folder} holds a run, and no {NOTE} that says of which config. '
            'Fix: choose another --work-dir, or remove that folder.'
        )
    else:
        write_text(note, json.dumps(mine, indent=1))


def _where_it_is_now(noted: str, folder: Path, note: Path) -> Path:
    """Find a file by the path that it had, or beside, if all was moved."""
    for path in (Path(noted), folder / Path(noted).name):
        if path.is_file():
            return path
    others = ', '.join(p.name for p in numbered_checkpoints(folder)) or 'none'
    raise FileNotFoundError(
        f'{note} names {noted or "nothing"}, which is not there. Fix: give '
        f'another checkpoint ({folder} holds {others}), or remove {note.name} '
        'to start anew.'
    )


def _differences(a: Any, b: Any, name: str = '') -> Iterator[str]:
    """Yield the dotted names of the fields that differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            inner = f'{name}.{key}' if name else key
            missing = object()
            yield from _differences(
                a.get(key, missing), b.get(key, missing), inner
            )
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, pair in enumerate(zip(a, b)):
            yield from _differences(*pair, f'{name}.{index}')
    elif a != b:
        yield name

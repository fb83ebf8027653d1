"""One small file a run, from which tables are made and carried on."""

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Union

from mmengine.config import Config, DictAction

from mmavs.engine.run_config import load_config
from mmavs.evaluation.functional.robustness import robustness
from mmavs.files.names import check_name
from mmavs.files.text_files import read_json
from mmavs.files.whole_files import write_text

# where a run writes and reads, which is no part of what it is
_PLACES = ('work_dir', 'load_from', 'resume')
_LONG = 60  # characters of an option that stands in a file name
_CONTENT = dict(digest=str, command=str, figures=dict, validation=list)


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        config (str): Config file.
        options (tuple[str]): What --cfg-options gets.
    """

    config: str
    options: tuple

    @property
    def name(self) -> str:
        """str: Config and options, as the table shows them."""
        return ' '.join((Path(self.config).stem, *self.options))

    @property
    def slug(self) -> str:
        """str: The name as a folder; what is long in it, by a digest."""
        words = [Path(self.config).stem]
        words += [o if len(o) <= _LONG else _short(o) for o in self.options]
        return re.sub(r'[^\w.=+-]+', '_', ' '.join(words))

    def run_name(self, seed: int) -> str:
        """Name the folder and the file of a run.

        Raises:
            ValueError: Too many options for a file's name.
        """
        name = f'{self.slug}_{seed}'
        check_name(name)
        return name

    @property
    def text(self) -> str:
        """str: As the command line takes it."""
        return '::'.join((self.config, ' '.join(self.options))).rstrip(':')


def _short(option: str) -> str:
    """Write a digest for the value: file names end at 255 bytes."""
    key, _, value = option.partition('=')
    return f'{key}={_digest(value)}'


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def config_with(path: str, options: Sequence[str]) -> Config:
    """Read a config with what --cfg-options gets."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='*', action=DictAction)
    merged = parser.parse_args(['--options', *options]).options
    return load_config(path, merged)


def options_of(row: Row, seed: int, shared: Sequence[str]) -> List[str]:
    """List what --cfg-options gets in a run; paths may still hold ``*``.

    Args:
        row (Row): Its ``{seed}`` becomes the seed.
        seed (int): Of the run.
        shared (Sequence[str]): Options of every row.
    """
    own = [option.replace('{seed}', str(seed)) for option in row.options]
    return [f'randomness.seed={seed}', *shared, *own]


def config_digest(config: Config) -> str:
    """Name a config by what it says, wherever it lies.

    Args:
        config (Config): Options merged.

    Returns:
        str: 16 hexadecimal digits.
    """
    content = {k: v for k, v in config.to_dict().items() if k not in _PLACES}
    if not content.get('auto_scale_lr', {}).get('enable'):
        content.pop('auto_scale_lr', None)  # it says nothing then
    return _digest(json.dumps(content, sort_keys=True, default=str))


def run_digest(row: Row, seed: int, shared: Sequence[str]) -> str:
    """Name the config of a run, whatever fits a ``*`` in its options."""
    return config_digest(
        config_with(row.config, options_of(row, seed, shared))
    )


def lineage(digest: str, start: Optional[str]) -> str:
    """Name the weights of a run by all the configs that they come from.

    Args:
        digest (str): Of the run's config.
        start (str, optional): Lineage of the weights it starts from.
    """
    return digest if start is None else _digest(digest + start)


def read_run(path: Union[str, Path], digest: str) -> Optional[dict]:
    """Read what is kept of a run.

    Args:
        path (str or Path): Of its file.
        digest (str): Of its config as it is now.

    Returns:
        dict, optional: From :func:`write_run`; None if it was not run.

    Raises:
        ValueError: The file is damaged, or keeps a run of another config.
    """
    path = Path(path)
    if not path.exists():
        return None
    record = read_record(path)
    if record['digest'] != digest:
        raise ValueError(
            f'{path} keeps a run of another config (its digest is '
            f'{record["digest"]}, that of the config now {digest}). Fix: '
            'remove the file to run it anew, or name another folder'
        )
    return record


def read_record(path: Union[str, Path]) -> dict:
    """Read a file of the store, whatever config it is of.

    Raises:
        ValueError: It is damaged.
    """
    fix = 'remove it, and run the row again.'
    record = read_json(path, fix)
    kinds = _CONTENT.items()
    odd = [k for k, kind in kinds if not isinstance(record.get(k), kind)]
    if odd:
        raise ValueError(f'{path} is damaged: its {odd} are odd. Fix: {fix}')
    return record


def write_run(path: Union[str, Path], record: dict) -> None:
    """Keep a run.

    Args:
        path (str or Path): Of its file.
        record (dict): ``digest``, ``command`` (str), ``seed``, ``budget``
            (dict), ``figures`` (what ``tools/test.py --sounds`` writes),
            ``validation`` ([epoch, J] of each validation) and, where it
            starts from the weights of another run, ``starts_from``: their
            :func:`lineage`.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(record, indent=1) + '\n')


def flat_figures(record: dict) -> dict:
    """Give the figures of a run by one name each.

    Returns:
        dict[str, float]: Those of the own sound as they are called, those of
        others with the sound in front (``'mute FPR'``), and ``robustness``.
    """
    flat, sounds = {}, record['figures']['sounds']
    for sound, figures in sounds.items():
        front = '' if sound == 'own' else f'{sound} '
        flat.update({front + key: value for key, value in figures.items()})
    joined = robustness(sounds)
    return flat if joined is None else dict(flat, robustness=joined)


def validation_curve(folder: Union[str, Path]) -> List[list]:
    """Read J of each validation from the logs of a training.

    Args:
        folder (str or Path): Work dir.

    Returns:
        list[[int, float]]: Epoch and J in percent.
    """
    points = {}
    for log in sorted(Path(folder).glob('*/vis_data/scalars.json')):
        for line in log.read_text().splitlines():
            # a run that was stopped may leave half a line
            entry = json.loads(line) if line.endswith('}') else {}
            if 'mIoU' in entry:
                points[int(entry['step'])] = round(entry['mIoU'], 3)
    return [[step, points[step]] for step in sorted(points)]


def last_quarter_gain(validation: List[list]) -> Optional[float]:
    """Say what the last quarter of a training gained.

    Args:
        validation (list[[int, float]]): See :func:`validation_curve`.

    Returns:
        float, optional: Best J of all, less the best of the first three
        quarters, in points; None for fewer than four validations.
    """
    if len(validation) < 4:
        return None
    kept = len(validation) - len(validation) // 4
    before = max(value for _, value in validation[:kept])
    return max(value for _, value in validation) - before

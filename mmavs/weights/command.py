"""``mmavs weights``: what goes by name, listed or fetched."""

import argparse
import os
import shutil
from pathlib import Path
from typing import Dict, List

from mmavs.files.whole_files import whole_file
from mmavs.model_index import files_of, list_models, released
from mmavs.weights.addresses import encoders
from mmavs.weights.store import home, obtain, stored

# where configs look for encoders, below the working folder
_PRETRAINED = Path('pretrained')


def main(words: List[str]) -> None:
    """List what goes by name, or fetch what is named.

    Args:
        words (list[str]): The command line.

    Raises:
        RuntimeError: A file cannot be had.
        ValueError: A name is unknown, or its file comes by hand alone.
    """
    parser = argparse.ArgumentParser(
        prog='mmavs weights',
        description='Fetch weights by name: those of a model into MMAVS_HOME, '
        'as commands and init_model do at their first use; the file of an '
        'encoder into pretrained/, where configs look for it. Without a '
        'name, list them.',
    )
    parser.add_argument('names', nargs='*', help='models, files of encoders')
    names = parser.parse_args(words).names
    models = {
        name: found for name in list_models() if (found := released(name))
    }
    unknown = [n for n in names if n not in models and n not in encoders()]
    if unknown:
        raise ValueError(
            f'no weights go by the name {", ".join(unknown)}. Fix: mmavs '
            'weights lists those that do.'
        )
    for name in names:
        if name in models:
            for file in files_of(models[name]):
                print(obtain(file['Address']))
        else:
            print(fetch_encoder(name))
    if not names:
        _list(models)


def fetch_encoder(name: str) -> Path:
    """Fetch an encoder's file into ``pretrained/``, unless it is there.

    Raises:
        RuntimeError: It cannot be had.
        ValueError: Its publisher gives no address.
    """
    entry, path = encoders()[name], _PRETRAINED / name
    if path.exists():
        return path
    if not entry['Weights']:
        raise ValueError(
            f'{name} has no address of its own. Fix: download it by hand from '
            f'{entry["By Hand"]}, and put it at {path}.'
        )
    found = obtain(entry['Weights'])
    path.parent.mkdir(exist_ok=True)
    try:
        os.link(found, path)
    except OSError:  # of another file system
        with whole_file(path) as partial:
            shutil.copyfile(found, partial)
    return path


def _list(models: Dict[str, dict]) -> None:
    for name, found in models.items():
        addresses = [file['Address'] for file in files_of(found)]
        _show(name, found, all(stored(at).exists() for at in addresses))
        metrics = found.get('Metrics') or {}
        figures = ', '.join(f'{k} {v}' for k, v in metrics.items())
        reported = f'{figures} ({found["Protocol"]})' if figures else 'none'
        print(f'    J and F: {reported}', *addresses, sep='\n    ')
    print('\nencoders that configs start from, in pretrained/:')
    for name, entry in encoders().items():
        _show(name, entry, (_PRETRAINED / name).exists())
        address = entry['Weights'] or f'by hand: {entry["By Hand"]}'
        print(f'    {entry["Training Data"]}\n    {address}')
    print(f'\nweights of models are kept in {home()} (MMAVS_HOME)')


def _show(name: str, entry: dict, here: bool) -> None:
    state = 'here' if here else 'not here'
    print(
        f'{name}  {entry["Size (MB)"]} MB, {state}\n'
        f'    licence: {entry["License"]}; from {entry["Source"]}'
    )

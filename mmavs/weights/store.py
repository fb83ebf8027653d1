"""Released weights on this machine: fetched once, pinned, there offline."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Dict
from urllib.parse import parse_qs, urlparse

from mmavs.compat.downloads import digits_in
from mmavs.files.fetching import fetch, sha256
from mmavs.files.whole_files import write_text


def home() -> Path:
    """Give the folder that mmavs keeps files in: ``MMAVS_HOME``.

    Returns:
        Path: Defaults to ``mmavs`` in the user's cache folder.
    """
    given = os.environ.get('MMAVS_HOME')
    if given:
        return Path(given).expanduser()
    cache = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(cache).expanduser() / 'mmavs'


def stored(address: str) -> Path:
    """Say where the file of an address is, or will be.

    Args:
        address (str): Of the file; a path is where it is already.
    """
    if '://' not in address:
        return Path(address)
    url = urlparse(address)
    (number,) = parse_qs(url.query).get('id') or ['']
    name = re.sub(r'[^\w.-]', '_', number or Path(url.path).name)
    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    return home() / 'weights' / key / (name.strip('.') or 'weights')


def obtain(address: str, progress: bool = True) -> Path:
    """Give the file of an address, the same at every use.

    Its SHA-256 is noted at the first use, in ``pins.json``, and compared at
    every later one, whether it is there or fetched again.

    Args:
        address (str): Of the file, or the path of one, which is given back.

    Returns:
        Path: The file.

    Raises:
        RuntimeError: It is not here and cannot be fetched, or has changed.
    """
    path = stored(address)
    if '://' not in address:
        return path
    pinned = _pins().get(address, '')
    if not path.exists():
        try:
            digits = pinned or digits_in(path.name) or ''
            fetch(address, path, digits, progress)
        except RuntimeError as error:
            if pinned and 'SHA-256' in str(error):
                raise RuntimeError(
                    f'{error} Its hash was noted in {_pin_file()} when it was '
                    'first used; without that line any file is taken.'
                ) from error
            raise
    found = sha256(path)
    if not pinned:
        pinned = _pin(address, found)
    if found != pinned:
        raise RuntimeError(
            f'{path} has changed since it was first used: its SHA-256 begins '
            f'with {found[:8]} and not with {pinned[:8]}. Fix: delete it, and '
            f'it is fetched again from {address}.'
        )
    return path


def _pin_file() -> Path:
    return home() / 'pins.json'


def _pins() -> Dict[str, str]:
    path = _pin_file()
    if not path.exists():
        return {}
    try:
        pins = json.loads(path.read_text('utf-8'))
    except ValueError as error:
        pins = error
    if not isinstance(pins, dict):
        raise RuntimeError(
            f'{path} does not list hashes by address ({pins}). Fix: delete '
            'it; hashes are then noted anew.'
        )
    return pins


def _pin(address: str, digits: str) -> str:
    """Note a hash, unless another process was first; give what holds."""
    from filelock import FileLock

    path = _pin_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name('.pins.lock')):
        pins = _pins()
        pins.setdefault(address, digits)
        write_text(path, json.dumps(pins, indent=1, sort_keys=True))
    return pins[address]

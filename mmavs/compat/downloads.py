"""Files by their addresses, each once per machine."""

import hashlib
import re
from pathlib import Path
from typing import Optional, Union

# torch.hub's custom: the name ends in the first digits of the file's SHA-256;
# eight digits that read as a date are one
_DIGITS = re.compile(r'-(?!(?:19|20)\d{6}\.)([0-9a-f]{8,64})\.\w+$')


def digits_in(name: str) -> Optional[str]:
    """Find the digits of its own hash in a file's name, if there are any."""
    found = _DIGITS.search(name)
    return found and found[1]


def check_digits(path: Path) -> None:
    """Compare a file with the hash in its name, if there is one.

    Raises:
        RuntimeError: They differ.
    """
    from mmavs.files.fetching import sha256

    digits = digits_in(path.name)
    if digits is None:
        return
    found = sha256(path)
    if not found.startswith(digits):
        raise RuntimeError(
            f'{path} is not the file that its name promises: its SHA-256 '
            f'begins with {found[: len(digits)]}. Fix: delete it, '
            'and it is downloaded again; where you trust it all the same, '
            'give the path of a copy under another name.'
        )


def cached(
    address: str, folder: Union[str, Path, None] = None, progress: bool = True
) -> Path:
    """Give the file of an address, fetched once per machine.

    A name that ends in its hash stands for one content, wherever that comes
    from; any other file is kept by its whole address.

    Args:
        address (str): Of the file.
        folder (str or Path, optional): Defaults to torch.hub's.
        progress (bool): Show a bar.

    Returns:
        Path: The file.

    Raises:
        RuntimeError: It cannot be fetched, or has another hash than its
            name.
    """
    from urllib.parse import urlparse

    from mmengine.dist import barrier, get_local_rank
    from torch.hub import get_dir

    from mmavs.files.fetching import fetch

    name = Path(urlparse(address).path).name
    name = 'checkpoint' if name in ('', '..') else name
    folder = Path(folder or Path(get_dir()) / 'checkpoints')
    if digits_in(name) is None:
        key = hashlib.sha256(address.encode()).hexdigest()[:16]
        folder = folder / f'address-{key}'
    path = folder / name
    try:
        if get_local_rank() == 0 and not path.exists():
            fetch(address, path, digits_in(name) or '', progress)
    finally:
        barrier()  # the others are not left waiting for what failed
    check_digits(path)
    return path

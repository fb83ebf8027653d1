"""Files by their addresses, each once per machine."""

import hashlib
import re
from http.client import HTTPException
from pathlib import Path
from typing import Optional, Union

# torch.hub's custom: the name ends in the first digits of the file's SHA-256;
# eight digits that read as a date are one
_DIGITS = re.compile(r'-(?!(?:19|20)\d{6}\.)([0-9a-f]{8,64})\.\w+$')


def digits_in(name: str) -> Optional[str]:
    """Find the digits of its own hash in a file's name, if there are any."""
    found = _DIGITS.search(name)
    return found and found[1]


def download(
    address: str, path: Union[str, Path], progress: bool = True
) -> None:
    """Fetch a file and compare it with the hash in its name.

    Args:
        address (str): Of the file.
        path (str or Path): Where it goes, once it is complete.
        progress (bool): Show a bar. Defaults to True.

    Raises:
        RuntimeError: It cannot be fetched, or its name holds digits of
            another hash.
    """
    from torch.hub import download_url_to_file

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    digits = digits_in(path.name)
    try:
        # appears under its name once it is complete and compared
        download_url_to_file(address, str(path), digits, progress)
    except (OSError, ValueError, HTTPException) as error:
        raise RuntimeError(
            f'{address} cannot be downloaded ({error}). Fix: check the '
            'address and the connection, or download it by hand and give '
            'its path.'
        ) from error
    except RuntimeError as error:
        raise _other_file(address, error) from error


def check_digits(path: Path) -> None:
    """Compare a file with the hash in its name, if there is one.

    Args:
        path (Path): The file.

    Raises:
        RuntimeError: They differ.
    """
    digits = digits_in(path.name)
    if digits is None:
        return
    found = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            found.update(block)
    if not found.hexdigest().startswith(digits):
        begin = found.hexdigest()[: len(digits)]
        raise _other_file(path, f'its SHA-256 begins with {begin}')


def _other_file(source, reason) -> RuntimeError:
    return RuntimeError(
        f'{source} is not the file that the digits in its name promise '
        f'({reason}). Fix: delete it if it is here and download it again; '
        'where you trust it all the same, give the path of a copy under '
        'another name.'
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
        progress (bool): Show a bar. Defaults to True.

    Returns:
        Path: The file.

    Raises:
        RuntimeError: See :func:`download`.
    """
    from urllib.parse import urlparse

    from mmengine.dist import barrier, get_local_rank
    from torch.hub import get_dir

    name = Path(urlparse(address).path).name
    name = 'checkpoint' if name in ('', '..') else name
    folder = Path(folder or Path(get_dir()) / 'checkpoints')
    if digits_in(name) is None:
        key = hashlib.sha256(address.encode()).hexdigest()[:16]
        folder = folder / f'address-{key}'
    path = folder / name
    try:
        if get_local_rank() == 0 and not path.exists():
            download(address, path, progress)
    finally:
        barrier()  # the others are not left waiting for what failed
    check_digits(path)
    return path

"""Files from the net: gone on with after a break, whole or not there."""

import hashlib
import json
import os
import re
import shutil
import time
from contextlib import contextmanager
from fnmatch import fnmatch
from html import unescape
from http.client import HTTPException
from pathlib import Path
from typing import Callable, Iterator, Optional, Union
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlparse
from urllib.request import Request, urlopen

from mmavs.files.whole_files import write_text

TRIES, PAUSE, TIMEOUT = 4, 1.0, 60.0  # times, seconds, seconds of silence
_BLOCK = 1 << 20
_DRIVE = 'drive.google.com'
_HUB = re.compile(
    r'https://huggingface\.co/([^/]+/[^/]+)/resolve/([^/]+)/([^?]+)'
)


def sha256(path: Path) -> str:
    """Give a file's SHA-256, in hexadecimal digits."""
    found = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def fetch(
    address: str,
    path: Union[str, Path],
    digits: str = '',
    progress: bool = True,
) -> None:
    """Fetch a file, once for all processes of a machine that ask for it.

    What broke off is gone on with, by the next call too. Google Drive's files
    come by gdown, those of Hugging Face's hub by huggingface_hub (its
    ``HF_ENDPOINT`` holds), all others over HTTP. The address of a folder of
    Drive ends in ``#PATTERN|PATTERN``, like :mod:`fnmatch`'s and in lower
    case, which tell the file by its name.

    Args:
        address (str): Of the file.
        path (str or Path): Where it goes, once it is whole and compared; what
            is there already stays.
        digits (str): First digits of its SHA-256. Defaults to any.
        progress (bool): Show a bar.

    Raises:
        RuntimeError: It cannot be fetched, is a page in place of a file, or
            has another hash.
    """
    from filelock import FileLock

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f'.{path.name}.lock')):
        if path.exists():
            return
        parts = path.with_name(f'.{path.name}.parts')
        parts.mkdir(exist_ok=True)
        part = parts / 'file'
        url, hub = urlparse(address), _HUB.fullmatch(address)
        if url.hostname == _DRIVE:
            _from_drive(address, part, progress)
        elif hub:
            _from_hub(address, hub, part)
        else:
            _from_http(address, part, progress)
        try:
            _refuse_page(address, part)
            _compare(address, part, digits)
            os.replace(part, path)
        finally:  # what is wrong is not gone on with
            shutil.rmtree(parts, ignore_errors=True)


def _compare(address: str, part: Path, digits: str) -> None:
    found = sha256(part)
    if not found.startswith(digits):
        raise RuntimeError(
            f'{address} is not the file that was expected: its SHA-256 begins '
            f'with {found[: max(len(digits), 8)]} and not with {digits}. '
            'Fix: download it again; where you trust it all the same, '
            'download it by hand and give its path.'
        )


def _refuse_page(address: str, part: Path) -> None:
    """Tell a page from the file.

    Raises:
        RuntimeError: With the page's title.
    """
    with part.open('rb') as file:
        begin = file.read(4096)
    if not re.match(rb'\s*<(!doctype html|html)', begin, re.IGNORECASE):
        return
    title = re.search(rb'<title>(.*?)</title>', begin, re.I | re.DOTALL)
    text = unescape(title[1].decode('utf-8', 'replace')) if title else ''
    raise RuntimeError(
        f'{address} answered with a page in place of the file '
        f'("{" ".join(text.split()) or "without a title"}"). Fix: open the '
        'address in a browser, which says more (a quota that is used up is '
        'free again after a day), or download the file there and give its '
        'path.'
    )


def _failed(address: str, reason: object) -> RuntimeError:
    return RuntimeError(
        f'{address} cannot be downloaded ({reason}). Fix: check the address '
        'and the connection and run it again, or download it by hand and give '
        'its path.'
    )


def _from_drive(address: str, part: Path, progress: bool) -> None:
    """Fetch by gdown, which knows the page before large files."""
    try:
        import gdown
    except ImportError as error:
        raise _lacking('gdown', address) from error
    try:
        gdown.download(
            id=_number_on_drive(address),
            output=str(part),
            quiet=not progress,
            use_cookies=False,
            resume=True,
            retries=TRIES - 1,
            timeout=TIMEOUT,
        )
    except _NotTold:
        raise
    except Exception as error:  # of several libraries
        reason = ' '.join(str(error).split())
        raise _failed(address, reason or type(error).__name__) from error


class _NotTold(RuntimeError):
    """Which file of a folder is meant cannot be told."""


def _number_on_drive(address: str) -> str:
    """Give a file's number; one of a folder is looked for in its list.

    Raises:
        RuntimeError: Not one file of the folder, but none or several, have a
            name like one of the patterns after the ``#``.
    """
    url = urlparse(address)
    if '/folders/' not in url.path:
        return (parse_qs(url.query).get('id') or [''])[0]
    import gdown

    listed = gdown.download_folder(
        id=Path(url.path).name,
        quiet=True,
        use_cookies=False,
        skip_download=True,
        timeout=TIMEOUT,
    )
    patterns = url.fragment.split('|')
    fits = [
        file
        for file in listed
        if any(fnmatch(Path(file.path).name.lower(), p) for p in patterns)
    ]
    if len(fits) != 1:
        names = ', '.join(file.path for file in listed) or 'nothing'
        raise _NotTold(
            f'{address} holds {names}: {len(fits)} of them are named like '
            f'{url.fragment}. Fix: download the right one there, and give its '
            'path; what other code bases wrote goes through mmavs convert.'
        )
    return fits[0].id


def _from_hub(address: str, found: re.Match, part: Path) -> None:
    """Fetch by huggingface_hub, below the folder of parts."""
    try:
        import huggingface_hub as hub
    except ImportError as error:
        raise _lacking('huggingface_hub', address) from error
    repository, revision, name = found.groups()
    try:
        got = hub.hf_hub_download(
            repository,
            name,
            revision=revision,
            local_dir=part.parent / 'hub',
            endpoint=os.environ.get('HF_ENDPOINT'),
        )
    except Exception as error:  # of several libraries
        reason = ' '.join(str(error).split())
        raise _failed(address, reason or type(error).__name__) from error
    os.replace(got, part)


def _lacking(package: str, address: str) -> ImportError:
    return ImportError(
        f'{address} is fetched by {package}, which is not installed. Fix: pip '
        f'install {package}.'
    )


def _from_http(address: str, part: Path, progress: bool) -> None:
    for tried in range(1, TRIES + 1):
        try:
            return _go_on(address, part, progress)
        except HTTPError as error:
            reason = error
            if error.code == 416:  # the part is not of this file
                part.unlink(missing_ok=True)
            elif error.code < 500:
                break
        except (URLError, ValueError) as error:  # nobody, or no address
            reason = error
            break
        except (OSError, HTTPException) as error:
            reason = error
        if tried < TRIES:
            time.sleep(PAUSE * tried)
    raise _failed(address, reason) from reason


def _go_on(address: str, part: Path, progress: bool) -> None:
    """Fetch what a part lacks; of a file that has changed, all.

    Raises:
        OSError: It broke off.
    """
    note = part.with_name('version')
    version = note.read_text() if note.exists() else ''
    have = part.stat().st_size if part.exists() and version else 0
    request = Request(address, headers={'User-Agent': 'mmavs'})
    if have:
        request.add_header('Range', f'bytes={have}-')
        request.add_header('If-Range', json.loads(version))
    with urlopen(request, timeout=TIMEOUT) as answer:
        begins = answer.headers.get('Content-Range', '')
        if getattr(answer, 'status', 200) != 206:
            have = 0
        elif not begins.startswith(f'bytes {have}-'):
            part.unlink()
            raise OSError(f'another part was sent: {begins!r}')
        length = answer.headers.get('Content-Length')
        total = have + int(length) if length else None
        write_text(note, _version(answer.headers))
        with (
            part.open('ab' if have else 'wb') as file,
            _bar(address, total, progress) as show,
        ):
            while block := answer.read(_BLOCK):
                file.write(block)
                show(file.tell())
    if total is not None and part.stat().st_size != total:
        raise OSError(f'broke off at {part.stat().st_size} of {total} bytes')


def _version(headers) -> str:
    """Note what tells this content from a later one; nothing if nothing."""
    tag = headers.get('ETag')
    if not tag or tag.startswith('W/'):
        tag = headers.get('Last-Modified')
    return json.dumps(tag) if tag else ''


@contextmanager
def _bar(
    address: str, total: Optional[int], progress: bool
) -> Iterator[Callable[[int], None]]:
    """Show how far a download is, on the error stream."""
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn('{task.description}'),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
    )
    name = Path(urlparse(address).path).name
    console = Console(stderr=True)
    with bars.Progress(*columns, console=console, disable=not progress) as bar:
        task = bar.add_task(name, total=total)
        yield lambda done: bar.update(task, completed=done)

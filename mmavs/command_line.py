"""How every script of ``tools/`` and ``demo/`` ends.

=========  ============================================================
exit code  meaning
=========  ============================================================
0          done
1          failed, or done in part
2          a mistake in what was given: an argument, a config, a file
=========  ============================================================
"""

import dis
import errno
import re
import sys
from pathlib import Path
from typing import Callable, Optional

from mmavs.commands import in_commands, program

FAILED, MISTAKE = 1, 2

_RAISE = dis.opmap['RAISE_VARARGS']
_PACKAGE = Path(__file__).resolve().parent
_CONFIG_READERS = ('mmengine.config', 'mmengine.registry')
# what the operating system says of a path that was given
_OF_A_PATH = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
_WRONG_PATHS = (errno.ELOOP, errno.ENAMETOOLONG)
_NO_OPTION = '__init__() got an unexpected keyword argument'
_LAST_FRAME = re.compile(r'File "([^"]+)", line \d+, in [^\n]*\n +(\w+)')


def run_script(main: Callable[[], Optional[int]]) -> None:
    """Run a script's ``main``, and leave with its exit code.

    A mistake of the user ends in one message on the error stream and code 2;
    anything else that goes wrong keeps its traceback, and Python's code 1.
    ``python -X dev SCRIPT`` shows the traceback of mistakes as well.

    Args:
        main (callable): Reads the command line; gives an exit code, or None
            for 0.

    Raises:
        SystemExit: The code is not 0.
    """
    try:
        code = main()
    except Exception as error:
        message = mistake(error)
        if message is None or sys.flags.dev_mode:
            raise
        message = in_commands(message)
        print(f'{program()}: error: {message}', file=sys.stderr)
        # numbers that went wrong are nobody's typing error
        diverged = isinstance(error, ArithmeticError)
        code = FAILED if diverged else MISTAKE
    if code:
        sys.exit(code)


def mistake(error: Exception) -> Optional[str]:
    """Say what the user did wrong, if it was the user.

    A mistake is what mmavs or the script itself raises on purpose, with a
    ``raise`` statement, here or in a worker process; what mmengine says of a
    config; and a path that the operating system refuses. Every other error is
    a bug.

    Returns:
        str, optional: The message, None for a bug.
    """
    remote = _of_a_worker(error)
    if remote is not None:
        return remote
    refused = isinstance(error, _OF_A_PATH) or (
        isinstance(error, OSError) and error.errno in _WRONG_PATHS
    )
    if refused and error.filename is not None:
        return f'{error.filename}: {error.strerror}'
    trace, built = error.__traceback__, False
    while trace.tb_next is not None:
        name = trace.tb_frame.f_globals.get('__name__', '')
        built = built or name.startswith('mmengine.registry')
        trace = trace.tb_next
    if built and isinstance(error, TypeError) and _NO_OPTION in str(error):
        return _text(error)  # of a class that hands its options on
    module = trace.tb_frame.f_globals.get('__name__', '')
    on_purpose = trace.tb_frame.f_code.co_code[trace.tb_lasti] == _RAISE
    ours = module.split('.')[0] in ('mmavs', '__main__')
    if (ours and on_purpose) or module.startswith(_CONFIG_READERS):
        return _text(error)
    return None


def _text(error: Exception) -> str:
    """Give the message alone; that of a KeyError comes in quotes."""
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error) or type(error).__name__


def _of_a_worker(error: Exception) -> Optional[str]:
    """Give the message of what our code raised in a worker process.

    Of a traceback there only the text arrives: in the message of torch's
    workers, in the cause of a pool's.
    """
    report = str(error)
    in_message = 'Original Traceback (most recent call last)' in report
    if not in_message:
        report = str(error.__cause__)
        if 'Traceback (most recent call last)' not in report:
            return None
    frames = _LAST_FRAME.findall(report)
    if not frames or frames[-1][1] != 'raise':
        return None
    raised_in = Path(frames[-1][0]).resolve()
    script = Path(sys.argv[0]).resolve()
    if _PACKAGE not in raised_in.parents and raised_in != script:
        return None
    if not in_message:
        return _text(error)
    name = type(error).__name__
    return report.rpartition(f'\n{name}: ')[2].strip()

"""Errors as a visitor is to read them."""

import re

from mmavs.command_line import mistake

_FOLDERS = re.compile(r'(?<![\w.])(?:[A-Za-z]:)?(?:[/\\][^/\\\s\'"]+)*[/\\]')
# "(audio=, --audio)": what the page has no place for
_OPTIONS = re.compile(r' \([^()]*(?:--\w|\w=)[^()]*\)')
UNKNOWN = (
    'something went wrong on the server, which has noted it. Fix: try another '
    'video, or a shorter piece of it'
)


def page_message(error: Exception) -> str:
    """Say what went wrong, without the server's folders and options.

    Args:
        error (Exception): With its traceback.

    Returns:
        str: What a person did wrong; of any other error only that there was
        one.
    """
    text = mistake(error)
    if text is None:
        return UNKNOWN
    return _FOLDERS.sub('', _OPTIONS.sub('', text))

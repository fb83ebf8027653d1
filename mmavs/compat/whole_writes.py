"""What mmengine writes, whole or absent."""

import functools
from contextlib import contextmanager


def write_whole_files() -> None:
    """Write checkpoints, dumps and figures beside their names, then rename.

    mmengine writes into the very file, so that a process that is killed
    leaves a stump: of a checkpoint that ``last_checkpoint`` points at, when a
    new best one is noted in it.
    """
    from mmengine.fileio import LocalBackend
    from mmengine.hooks import checkpoint_hook

    if hasattr(LocalBackend.put, '__wrapped__'):
        return
    LocalBackend.put = _whole(LocalBackend.put)
    LocalBackend.put_text = _whole(LocalBackend.put_text)
    # its only file is last_checkpoint
    checkpoint_hook.open = _open_whole


def _whole(put):
    """Let a method that writes (content, path) write a whole file."""
    from mmavs.files.whole_files import whole_file

    @functools.wraps(put)
    def put_whole(self, content, filepath, *args, **kwargs):
        with whole_file(filepath) as partial:
            put(self, content, str(partial), *args, **kwargs)

    return put_whole


@contextmanager
def _open_whole(path, mode):
    from mmavs.files.whole_files import whole_file

    with whole_file(path) as partial, partial.open(mode) as file:
        yield file

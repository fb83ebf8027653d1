"""FFmpeg's messages, kept out of Python."""

from types import ModuleType


def import_av() -> ModuleType:
    """Import PyAV so that closing a video cannot hang.

    torchvision before 0.26 makes FFmpeg log through Python whenever it is
    imported. A decoding thread with something to say then waits for the
    interpreter, which waits for that thread while it frees the decoder.

    Returns:
        module: ``av``, with its messages off, which is its own default.
    """
    import av

    if av.logging.get_level() is not None:
        av.logging.set_level(None)
    return av

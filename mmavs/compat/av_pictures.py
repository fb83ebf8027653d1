"""Pictures from one form into another, by FFmpeg's libraries (PyAV)."""

from mmavs.compat import import_av


def converted(frame, **form):
    """Convert a picture, in one thread.

    FFmpeg's scaler, which PyAV since 17 runs in as many threads as there are
    processors, gives alpha of small pictures that differs from run to run:
    a strip of 8 pixels of what is opaque came out as 0.

    Args:
        frame (av.VideoFrame): The picture.
        form: ``format``, ``width`` and ``height``, as PyAV's ``reformat``
            takes them.

    Returns:
        av.VideoFrame: The picture itself where it has this form already.
    """
    if int(import_av().__version__.split('.')[0]) >= 17:
        form['threads'] = 1
    return frame.reformat(**form)

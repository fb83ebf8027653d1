"""Where pictures go."""

from pathlib import Path
from typing import Union

import cv2


def picture_path(path: Union[str, Path]) -> Path:
    """Make the folder of a picture, before the work that it will show.

    Returns:
        Path: The same.

    Raises:
        ValueError: Its ending names no kind of picture.
    """
    path = Path(path)
    if not cv2.haveImageWriter(str(path)):
        raise ValueError(
            f'{path} must end in .png or .jpg. Fix: give a name '
            'that ends in .png or .jpg.'
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path

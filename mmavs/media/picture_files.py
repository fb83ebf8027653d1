"""Picture files, frames and masks alike, are read here and nowhere else."""

import io
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Sequence, Union

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmavs.warn_once import WarnOnce

FORMATS = ('PNG', 'JPEG', 'BMP', 'WEBP')  # whatever the file is called
BACKENDS = ('cv2', 'pillow')
MAX_PIXELS = 89_478_485  # where Pillow, too, begins to suspect a bomb
_PNG_END = b'IEND\xaeB`\x82'
_JPEG_END = b'\xff\xd9'
_ORIENTATION = 0x0112  # EXIF tag; 1 is upright as stored
_warn_turned = WarnOnce()


@lru_cache(maxsize=1)
def has_opencv() -> bool:
    """Whether OpenCV is there; where exported models run it may not be."""
    return find_spec('cv2') is not None


def read_picture(path: Union[str, Path]) -> np.ndarray:
    """Read a colour picture.

    Args:
        path (str or Path): PNG, JPEG, BMP or WEBP.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: See :func:`decode_picture`.
    """
    backend = 'cv2' if has_opencv() else 'pillow'
    return decode_picture(_read(path), path, backend)


def decode_picture(
    data: bytes, path: Union[str, Path], backend: str = 'cv2'
) -> np.ndarray:
    """Decode a colour picture.

    Pixels come as they are stored: an orientation noted in EXIF is not
    applied, as in the released loaders, and one warning a run says so. A mask,
    a PNG as a rule, carries no such note and would not turn along.

    Args:
        data (bytes): Of the file.
        path (str or Path): What errors call it.
        backend (str): 'cv2' or 'pillow'; cv2 is faster.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.

    Raises:
        ValueError: It is truncated, not a picture, or one of more than
            ``MAX_PIXELS``; an unknown backend.
    """
    if backend not in BACKENDS:
        raise ValueError(
            f'imdecode backend must be one of {BACKENDS}, got {backend!r}'
        )
    image = _open(data, path)
    if image.format in ('JPEG', 'MPO') and _JPEG_END not in data[-64:]:
        # Cut off, or with a trailer of the camera's: Pillow tells them apart,
        # cv2 may fill what is missing with grey.
        backend = 'pillow'
    if backend == 'cv2':
        import cv2

        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if picture is None:
            raise _damaged(path, 'it cannot be decoded')
        return picture
    _load(image, path)
    if image.mode.startswith('I;16'):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])


def open_picture(path: Union[str, Path]) -> Image.Image:
    """Read a picture in its own mode and palette, as masks need it.

    Args:
        path (str or Path): PNG, JPEG, BMP or WEBP.

    Returns:
        Image.Image: Decoded.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: See :func:`decode_picture`.
    """
    image = _open(_read(path), path)
    _load(image, path)
    return image


def stored_orientation(path: Union[str, Path]) -> int:
    """Give the EXIF orientation of a picture file; 1 means none."""
    return _orientation(_open(_read(path), path))


def resize_labels(
    labels: np.ndarray, size: Sequence[int], backend: str = 'pillow'
) -> np.ndarray:
    """Resize labels to the nearest, as ``Resize(backend=...)`` does.

    The backends round differently: Pillow takes the pixel below the centre,
    floor((x + 0.5) s), OpenCV the one below the corner, floor(x s).

    Args:
        labels (np.ndarray): (h, w) uint8.
        size (Sequence[int]): Height and width.
        backend (str): 'pillow', as the released loaders, or 'cv2'.

    Returns:
        np.ndarray: (H, W) uint8.
    """
    if labels.shape == tuple(size):
        return labels
    shape = tuple(size[::-1])
    if backend == 'pillow' and not has_opencv():
        image = Image.fromarray(np.ascontiguousarray(labels))
        return np.asarray(image.resize(shape, Image.Resampling.NEAREST))
    import cv2

    exact = backend == 'pillow'  # the same pixels as Pillow's, and faster
    return cv2.resize(
        labels,
        shape,
        interpolation=cv2.INTER_NEAREST_EXACT if exact else cv2.INTER_NEAREST,
    )


def _read(path: Union[str, Path]) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f'picture not found: {path}. Fix: complete the data.'
        ) from None
    except OSError as error:
        raise _damaged(path, error) from None


def _open(data: bytes, path: Union[str, Path]) -> Image.Image:
    """Read the header: kind and size, before memory is spent on pixels."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError(
                f'{image.width} x {image.height}'
            )
    except Image.DecompressionBombError as error:
        raise ValueError(
            f'{path} has too many pixels ({error}); up to {MAX_PIXELS:,} are '
            'read, since a small file may unfold to more than the memory '
            'holds. Fix: make the picture smaller.'
        ) from None
    except UnidentifiedImageError:  # whose text names a buffer, not the file
        raise _damaged(path, 'of no known kind') from None
    except (OSError, SyntaxError, ValueError) as error:
        raise _damaged(path, error) from None
    if image.format == 'PNG':
        if _PNG_END not in data:
            raise _damaged(path, 'its end is missing')
        _check_sums(data, path)
    orientation = _orientation(image)
    if orientation != 1:
        _warn_turned(
            f'{path} is to be shown turned or mirrored (EXIF orientation '
            f'{orientation}). This is not applied: pictures are taken as they '
            'are stored, as in the released loaders. Masks must fit them so. '
            'Fix: where frames lie on their side, save them upright '
            '(ImageOps.exif_transpose of Pillow).'
        )
    return image


def _check_sums(data: bytes, path: Union[str, Path]) -> None:
    """Compare the checksums of a PNG, which Pillow decodes without."""
    try:
        Image.open(io.BytesIO(data), formats=('PNG',)).verify()
    except (OSError, SyntaxError, ValueError) as error:
        raise _damaged(path, error) from None


def _orientation(image: Image.Image) -> int:
    if 'exif' not in image.info:
        return 1
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # EXIF that nobody can read says nothing
        return 1


def _load(image: Image.Image, path: Union[str, Path]) -> None:
    try:
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Union[str, Path], reason: object) -> ValueError:
    return ValueError(
        f'{path} is truncated or not a picture ({reason}). Fix: copy, unpack '
        f'or make the file again, as {", ".join(FORMATS)}.'
    )

"""Pictures and sound as users hand them in, made one kind or refused."""

import mimetypes
import sys
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

import numpy as np
from PIL import Image

from mmavs.audio.samples import check_samples

if TYPE_CHECKING:
    from torch import Tensor

Picture = Union[str, Path, np.ndarray, 'Tensor', Image.Image]
Sound = Union[str, Path, Tuple[Union['Tensor', np.ndarray], int]]

_PICTURE = (
    'a picture is a file, an array (H, W, 3) uint8 in BGR order, a tensor '
    '(3, H, W) uint8 in RGB order, or a PIL picture'
)
_SOUND = (
    'sound is a file, or (waveform, sample_rate): (S,) or (channels, S) float '
    'in [-1, 1], and Hz'
)


def is_tensor(thing: Any) -> bool:
    """Whether this is a tensor; where torch was never imported, nothing is."""
    torch = sys.modules.get('torch')
    return torch is not None and isinstance(thing, torch.Tensor)


def is_array(thing: Any) -> bool:
    """Whether this is an array or a tensor."""
    return isinstance(thing, np.ndarray) or is_tensor(thing)


def is_path(thing: Any) -> bool:
    """Whether this names a file."""
    return isinstance(thing, (str, Path))


def refuse_address(path: Any, what: str) -> None:
    """Say that nothing is fetched.

    Raises:
        ValueError: It is an address.
    """
    if isinstance(path, str) and '://' in path:
        raise ValueError(
            f'{path} is an address, and the {what} is read from a file. Fix: '
            'download it first, and give its path.'
        )


def list_pictures(frames: Any) -> List[Picture]:
    """Give the pictures of a clip as a list.

    Args:
        frames (Iterable): Pictures, or one array or tensor of them.

    Raises:
        TypeError: It is something else, or of no order.
        ValueError: A single picture, none, videos, or addresses.
    """
    if isinstance(frames, Image.Image) or (
        is_array(frames) and frames.ndim < 4
    ):
        raise ValueError(
            'a clip is a list of pictures, got a single one. Fix: [picture].'
        )
    if isinstance(frames, (Mapping, Set, bytes)) or not hasattr(
        frames, '__iter__'
    ):
        raise TypeError(
            f'a clip is a list of pictures, got {type(frames).__name__}; '
            f'{_PICTURE}.'
        )
    frames = list(frames)
    if not frames:
        raise ValueError('a clip needs at least one picture, got none')
    for frame in filter(is_path, frames):
        refuse_address(frame, 'picture')
        kind = mimetypes.guess_type(str(frame))[0] or ''
        if kind.startswith('video/'):
            raise ValueError(
                f'{frame} is a video, and a list holds the pictures of one '
                'clip. Fix: give each video to a call of its own.'
            )
    return frames


def to_bgr(picture: Picture, name: str = 'a picture') -> np.ndarray:
    """Make a picture in memory an array.

    Args:
        picture (ndarray or Tensor or Image): (H, W, 3) uint8 BGR; (3, H, W)
            uint8 RGB; or of any 8-bit mode of Pillow.
        name (str): What errors call it.

    Returns:
        ndarray: (H, W, 3) uint8 BGR.

    Raises:
        TypeError: It is none of these.
        ValueError: It has another shape or range; says how to change it.
    """
    if isinstance(picture, Image.Image):
        return _from_pillow(picture, name)
    if not is_array(picture):
        raise TypeError(
            f'{name} is of type {type(picture).__name__}; {_PICTURE}.'
        )
    fix = _other_range(picture) or _other_shape(picture)
    if fix is not None:
        shape, dtype = tuple(picture.shape), picture.dtype
        raise ValueError(f'{name} is {shape} {dtype}; {_PICTURE}. Fix: {fix}.')
    if is_tensor(picture):
        picture = picture.detach().cpu().numpy()[::-1].transpose(1, 2, 0)
    return np.ascontiguousarray(picture)


def _from_pillow(picture: Image.Image, name: str) -> np.ndarray:
    if picture.mode[0] in 'IF':  # 16 and 32 bits, which would be clipped
        raise ValueError(
            f'{name} is a PIL picture of mode {picture.mode}, of more than 8 '
            'bits. Fix: scale its values to 0..255 and convert it to RGB.'
        )
    try:
        rgb = np.asarray(picture.convert('RGB'))
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f'{name} cannot be read: {error}') from None
    return np.ascontiguousarray(rgb[..., ::-1])


def _other_range(picture: Union[np.ndarray, 'Tensor']) -> Optional[str]:
    """Say how values become 0..255, if they are not."""
    array = isinstance(picture, np.ndarray)
    if str(picture.dtype).removeprefix('torch.') == 'uint8':
        return None
    turn = 'astype(np.uint8)' if array else 'to(torch.uint8)'
    floats = 'float' in str(picture.dtype)
    if floats and 0 not in picture.shape and picture.max() <= 1:
        return f'(picture * 255).round().{turn}, as its values end at 1'
    return f'picture.{turn}, once its values are in 0..255'


def _other_shape(picture: Union[np.ndarray, 'Tensor']) -> Optional[str]:
    """Say how the axes come right, if they are not."""
    shape = tuple(picture.shape)
    array = isinstance(picture, np.ndarray)
    channels, other = (-1, 0) if array else (0, -1)
    if len(shape) == 2 or (len(shape) == 3 and shape[channels] == 1):
        if array:
            return 'cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), as it is grey'
        return 'picture.expand(3, *picture.shape[-2:]), as it is grey'
    if len(shape) != 3:
        return 'give the pictures one by one'
    if 0 in shape:
        return 'leave it out, as it holds no pixel'
    if shape[channels] == 3:
        return None
    if shape[channels] == 4:
        drop = '[..., :3]' if array else '[:3]'
        return f'picture{drop}, which leaves its alpha channel out'
    if shape[other] == 3:
        axes = 'transpose(1, 2, 0)' if array else 'permute(2, 0, 1)'
        return f'picture.{axes}, as its axes stand in another order'
    return 'give its three colours'


def check_sound(sound: Sound, name: str = 'the waveform') -> Sound:
    """Refuse what is not sound; make a waveform a tensor.

    Args:
        sound (str or Path or tuple): A file, or a waveform and its rate.
        name (str): What errors call the waveform.

    Returns:
        str or tuple[Tensor, int]: A file, or (S,) or (channels, S) float32
        and Hz.

    Raises:
        FileNotFoundError: There is no such file.
        TypeError: It is something else.
        ValueError: An address; a waveform without a rate, of another scale,
            or with NaN.
    """
    if is_path(sound):
        refuse_address(sound, 'sound')
        if not Path(sound).is_file():
            raise FileNotFoundError(
                f'sound file not found: {sound}. Fix: check the path.'
            )
        return str(sound)
    if is_array(sound):
        raise ValueError(
            f'{name} comes without its sample rate. Fix: (waveform, 16000), '
            'with its own number of Hz.'
        )
    if not isinstance(sound, Sequence) or len(sound) != 2:
        raise TypeError(f'{_SOUND}; got {type(sound).__name__}')
    waveform, rate = sound
    if is_array(rate) and np.ndim(waveform) == 0:
        raise ValueError(
            f'{_SOUND}; got the rate first. Fix: (waveform, sample_rate).'
        )
    if not is_array(waveform):
        raise TypeError(f'{_SOUND}; got {type(waveform).__name__} and a rate')
    import torch

    waveform = torch.as_tensor(waveform)
    if not waveform.is_floating_point():
        raise ValueError(
            f'{name} is of {waveform.dtype}; {_SOUND}. Fix: divide by full '
            'scale (samples / 32768 where they are int16).'
        )
    check_samples(waveform, name)
    return waveform.float(), _whole_rate(rate)


def _whole_rate(rate: Any) -> int:
    try:
        whole = int(rate)
    except (TypeError, ValueError):
        whole = 0
    if whole < 1 or whole != rate:
        raise ValueError(
            'a sample rate is a whole number of Hz of at least 1, got '
            f'{rate!r}'
        )
    return whole

"""What users hand in: a video, a folder, a clip of a data set."""

from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Union

from mmavs.datasets.avs_dataset import IMG_SUFFIXES, list_images

from .pictures import FolderPictures, VideoPictures

Pictures = Union[VideoPictures, FolderPictures]


class Media(NamedTuple):
    """Pictures, and where their sound is.

    Attributes:
        name (str): For messages and default file names.
        pictures (VideoPictures or FolderPictures): In the order of time.
        sound_path (Path or None): A file with a sound track.
        sound_start (float): Where second 0 lies on that file's clock.
    """

    name: str
    pictures: Pictures
    sound_path: Optional[Path]
    sound_start: float


def find_media(
    video: Union[str, Path, Sequence[Union[str, Path]]],
    audio: Optional[Union[str, Path]] = None,
) -> Media:
    """Make out what was handed in.

    Args:
        video (str or Path or Sequence): A video file; a folder with one
            picture a second, or with such a folder ``frames`` in it, as clips
            of AVSBench-semantic have; or the picture files themselves.
        audio (str or Path, optional): Sound file. Defaults to the video's own
            sound track, or to the one sound file in or beside a folder.

    Returns:
        Media: With ``sound_path`` None if a folder has no sound file.

    Raises:
        FileNotFoundError: Something is absent.
        ValueError: The video has no pictures, or a folder more than one sound
            file.
    """
    if audio is not None and not Path(audio).is_file():
        raise FileNotFoundError(f'sound file not found: {audio}')
    sound_path = audio and Path(audio)
    if not isinstance(video, (str, Path)):
        pictures = FolderPictures([Path(path) for path in video])
        return Media(pictures.path.name, pictures, sound_path, 0.0)
    path = Path(video)
    if path.is_dir():
        return _folder(path, sound_path)
    pictures = VideoPictures(path)
    if sound_path is not None:
        return Media(path.stem, pictures, sound_path, 0.0)
    return Media(path.stem, pictures, path, pictures.start)


def _folder(folder: Path, sound_path: Optional[Path]) -> Media:
    frames = list_images(folder) or list_images(folder / 'frames')
    if not frames:
        raise ValueError(
            f'no picture in {folder} or {folder / "frames"}. Mend: put one '
            f'frame a second there, as {IMG_SUFFIXES}.'
        )
    if sound_path is None:
        found = sorted(folder.glob('*.wav'))
        if len(found) > 1:
            raise ValueError(
                f'{folder} holds {len(found)} sound files. Mend: name one '
                '(audio=, --audio).'
            )
        sound_path = found[0] if found else None
    return Media(folder.name, FolderPictures(frames), sound_path, 0.0)

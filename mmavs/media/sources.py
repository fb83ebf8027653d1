"""What users hand in: a video, a folder, a clip of a data set."""

from pathlib import Path
from typing import Any, Iterable, List, NamedTuple, Optional, Union

from mmavs.media.in_memory import (
    Picture,
    check_sound,
    is_path,
    list_pictures,
    refuse_address,
)
from mmavs.media.listing import IMG_SUFFIXES, list_images, visible_files
from mmavs.media.picture_streams import FolderPictures
from mmavs.media.video import VideoPictures

Pictures = Union[VideoPictures, FolderPictures]


class Media(NamedTuple):
    """Pictures, and where their sound is.

    Attributes:
        name (str): For messages.
        pictures (VideoPictures or FolderPictures): In the order of time.
        sound_path (Path or None): A file with a sound track.
        sound_start (float or None): Where second 0 lies on that file's clock;
            None: where :func:`~mmavs.audio.sound_track.second_zero` says.
    """

    name: str
    pictures: Pictures
    sound_path: Optional[Path]
    sound_start: Optional[float] = None

    @property
    def files(self) -> List[Path]:
        """Every file that is read."""
        files = list(self.pictures.files)
        return files if self.sound_path is None else [*files, self.sound_path]


def find_media(
    video: Union[str, Path, Iterable[Picture]],
    audio: Optional[Union[str, Path]] = None,
) -> Media:
    """Make out what was handed in.

    Args:
        video (str or Path or Iterable): A video file; a folder with one
            picture per second, or with such a folder ``frames`` in it, as
            clips of AVSBench-semantic have; or the pictures themselves, see
            :func:`~mmavs.apis.inference_model`.
        audio (str or Path, optional): Sound file. Defaults to the video's own
            sound track, or to the one sound file in or beside a folder.

    Returns:
        Media: With ``sound_path`` None if a folder has no sound file.

    Raises:
        FileNotFoundError: Something is absent.
        TypeError: Something of another type.
        ValueError: The video has no pictures, a folder more than one sound
            file, or an address was given.
    """
    sound_path = None if audio is None else _sound_file(audio)
    if not is_path(video):
        pictures = FolderPictures(list_pictures(video))
        return Media('the pictures', pictures, sound_path)
    refuse_address(video, 'video')
    path = Path(video)
    if path.is_dir():
        return _folder(path, sound_path)
    pictures = VideoPictures(path)
    if sound_path is not None:
        return Media(path.stem, pictures, sound_path)
    return Media(path.stem, pictures, path, pictures.start)


def _sound_file(audio: Any) -> Path:
    if not is_path(audio):
        raise TypeError(
            f'audio is the path of a sound file, got {type(audio).__name__}. '
            'Fix: save the sound as a file; inference_model also takes '
            '(waveform, sample_rate).'
        )
    return Path(check_sound(audio))


def _folder(folder: Path, sound_path: Optional[Path]) -> Media:
    name = folder.resolve().name
    frames = list_images(folder) or list_images(folder / 'frames')
    if not frames:
        raise ValueError(
            f'no picture in {folder} or {folder / "frames"}. Fix: put one '
            f'frame per second there, as {IMG_SUFFIXES}.'
        )
    if sound_path is None:
        found = visible_files(folder, ['.wav'], deep=False)
        if len(found) > 1:
            raise ValueError(
                f'{folder} holds {len(found)} sound files. Fix: name one '
                '(audio=, --audio).'
            )
        sound_path = found[0] if found else None
    return Media(name, FolderPictures(frames), sound_path)

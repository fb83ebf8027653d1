"""What users hand in: a video, a folder, a clip, or what comes live."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Iterable, List, NamedTuple, Optional, Union

from mmavs.media.in_memory import (
    Picture,
    Sound,
    check_sound,
    is_path,
    list_pictures,
    refuse_address,
)
from mmavs.media.listing import IMG_SUFFIXES, list_images, visible_files
from mmavs.media.live import LiveMedia, LivePictures, is_moment
from mmavs.media.picture_streams import FolderPictures
from mmavs.media.sound_sources import SampledSound, SoundFile, Waveform
from mmavs.media.stand_ins import WORDS, stand_in
from mmavs.media.video import VideoPictures

Pictures = Union[VideoPictures, FolderPictures, LivePictures]


class Media(NamedTuple):
    """Pictures and their sound.

    Attributes:
        name (str): For messages.
        source (str or list[str]): What was handed in, for the summary.
        pictures (VideoPictures or FolderPictures or LivePictures): In the
            order of time.
        sound (SoundFile or SampledSound, optional): See
            :mod:`mmavs.media.sound_sources`.
    """

    name: str
    source: Union[str, List[str]]
    pictures: Pictures
    sound: Optional[Union[SoundFile, SampledSound]]

    @property
    def files(self) -> List[Path]:
        """Every file that is read."""
        files = list(self.pictures.files)
        return files if self.sound is None else [*files, *self.sound.files]


def find_media(
    video: Union[str, Path, Iterable[Picture], Media],
    audio: Optional[Sound] = None,
) -> Media:
    """Make out what was handed in.

    Args:
        video (str or Path or Iterable): A video file; a folder with one
            picture per second, or with such a folder ``frames`` in it, as
            clips of AVSBench-semantic have; the pictures themselves, see
            :func:`~mmavs.apis.inference_model`; or a generator of pictures
            and sound, see :class:`~mmavs.media.live.LiveMedia`. What this
            function gave is taken as it is.
        audio (str or Path or tuple, optional): Sound file, or ``(waveform,
            sample_rate)``; ``'mute'`` or ``'noise'``, see
            :data:`mmavs.audio.sounds.SOUNDS` (a file of that name is
            ``'./mute'``). Defaults to the video's own sound track, or to the
            one sound file in a folder.

    Returns:
        Media: With ``sound`` None if a folder has no sound file.

    Raises:
        FileNotFoundError: Something is absent.
        TypeError: Something of another type.
        ValueError: The video has no pictures, a folder more than one sound
            file, or an address was given.
    """
    sound = None if audio is None else _given_sound(audio)
    if isinstance(video, Media):
        return video if sound is None else video._replace(sound=sound)
    if isinstance(video, Iterator):
        first = next(video, None)
        video = video if first is None else chain([first], video)
        if is_moment(first):
            live = LiveMedia(video)
            return Media('live', 'live', live.pictures, sound or live.sound)
    if not is_path(video):
        pictures = FolderPictures(list_pictures(video))
        return Media('the pictures', pictures.names, pictures, sound)
    refuse_address(video, 'video')
    path = Path(video)
    if path.is_dir():
        return _folder(path, sound)
    pictures = VideoPictures(path)
    if sound is None:
        sound = SoundFile(path, pictures.start)
    return Media(path.stem, str(video), pictures, sound)


def _given_sound(audio: Sound) -> Union[SoundFile, SampledSound]:
    if isinstance(audio, SampledSound):
        return audio
    if isinstance(audio, str) and audio in WORDS:
        return stand_in(audio)
    audio = check_sound(audio)
    if isinstance(audio, str):
        return SoundFile(audio)
    return Waveform(*audio, 'the waveform')


def _folder(
    folder: Path, sound: Optional[Union[SoundFile, SampledSound]]
) -> Media:
    name = folder.resolve().name
    frames = list_images(folder) or list_images(folder / 'frames')
    if not frames:
        raise ValueError(
            f'no picture in {folder} or {folder / "frames"}. Fix: put one '
            f'frame per second there, as {IMG_SUFFIXES}.'
        )
    if sound is None:
        found = visible_files(folder, ['.wav'], deep=False)
        if len(found) > 1:
            raise ValueError(
                f'{folder} holds {len(found)} sound files. Fix: name one '
                '(audio=, --audio).'
            )
        sound = SoundFile(found[0]) if found else None
    return Media(name, str(folder), FolderPictures(frames), sound)

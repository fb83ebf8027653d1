"""A visitor's video through a model, under several sounds."""

import functools
import json
import queue
import shutil
import threading
from pathlib import Path
from typing import (
    Callable,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Union,
)

from mmavs.apis import AVSInferencer, init_model
from mmavs.audio.sounds import SOUNDS
from mmavs.files.output_folder import LIST
from mmavs.files.whole_files import write_text
from mmavs.media.sources import Media, find_media
from mmavs.media.stand_ins import WORDS, repeated

OFFERED = ('own', *WORDS, 'swap')  # of SOUNDS
MAX_PIXELS = 3840 * 2160
_FOLDERS_OF_RESULT = ('overlay', 'alpha', 'mask_dir', 'seconds_taken')


class Stopped(Exception):
    """The visitor cancelled, or went."""


class Limits(NamedTuple):
    """What one job may be.

    Attributes:
        seconds (int): Length of a video.
        megabytes (int): Size of an uploaded file.
        waiting (int): Jobs that wait for their turn.
    """

    seconds: int = 120
    megabytes: int = 200
    waiting: int = 8

    def __str__(self) -> str:
        return (
            f'Videos of up to {self.seconds} seconds and {self.megabytes} MB. '
            f'One job runs at a time, and up to {self.waiting} wait.'
        )


class Wish(NamedTuple):
    """What a visitor asks for.

    Attributes:
        video (str or None): An uploaded file.
        model (str): A name.
        sounds (list[str]): Words of ``OFFERED``.
        other (str or None): A file whose sound is the one of 'swap'.
        fps (int): Masks per second.
    """

    video: Optional[str]
    model: str
    sounds: List[str]
    other: Optional[str] = None
    fps: int = 1


class Step(NamedTuple):
    """How far a job is.

    Attributes:
        sound (str): Of which the model hears.
        share (float): Of the whole job that is done, 0..1.
        second (float): Of the video.
        seconds (float): Of the video, altogether.
    """

    sound: str
    share: float
    second: float
    seconds: float


class Result(NamedTuple):
    """What was found under one sound.

    Attributes:
        sound (str): The word.
        overlay (Path): mp4.
        masks (Path): zip of one PNG per mask.
        summary (Path): JSON.
        masks_found (list[dict]): Rows of the summary.
        missing (list[dict]): What a file that is cut off lacks.
    """

    sound: str
    overlay: Path
    masks: Path
    summary: Path
    masks_found: List[dict]
    missing: List[dict]


class Jobs:
    """Keeps the models that were asked for, and runs jobs with them.

    Args:
        weights (dict): Model to checkpoint; None for those that go by its
            name.
        device (str, optional): Where models run.
        limits (Limits, optional): Of a job.
        examples (Sequence[Path]): Videos whose sounds may be swapped in.
    """

    def __init__(
        self,
        weights: Dict[str, Optional[str]],
        device: Optional[str] = None,
        limits: Optional[Limits] = None,
        examples: Sequence[Union[str, Path]] = (),
    ) -> None:
        self.weights, self.device = weights, device
        self.limits = limits or Limits()
        self.examples = [str(path) for path in examples]
        self.load = functools.lru_cache(maxsize=2)(self._load)

    def _load(self, model: str):
        return init_model(model, self.weights[model], self.device)

    def run(
        self, wish: Wish, folder: Path, stop: threading.Event
    ) -> Iterator[Union[Step, Result]]:
        """Run a job; closing the generator ends it.

        Args:
            wish (Wish): What is asked for.
            folder (Path): Of this job alone: takes the results, and goes if
                there are none.
            stop (threading.Event): Ends the job when set.

        Yields:
            Step or Result: As it goes.

        Raises:
            Stopped: ``stop`` was set.
            ValueError: The wish cannot be granted.
        """
        said: queue.Queue = queue.Queue()

        def work() -> None:
            try:
                self._work(wish, folder, stop, said.put)
                said.put(None)
            except Exception as error:
                # also what was written after a visitor went
                shutil.rmtree(folder, ignore_errors=True)
                said.put(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while (item := said.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            stop.set()
            thread.join()

    def _work(
        self,
        wish: Wish,
        folder: Path,
        stop: threading.Event,
        say: Callable[[Union[Step, Result]], None],
    ) -> None:
        media = self.check(wish)
        sounds = [sound for sound in OFFERED if sound in wish.sounds]
        seconds = media.pictures.duration or float(self.limits.seconds)
        inferencer = AVSInferencer(self.load(wish.model), fps=wish.fps)
        for place, sound in enumerate(sounds):

            def tell(second, place=place, sound=sound) -> None:
                if stop.is_set():
                    raise Stopped
                self._check_length(second)
                done = (place + min(second / seconds, 1.0)) / len(sounds)
                say(Step(sound, done, min(second, seconds), seconds))

            tell(0.0)
            heard = self._heard(media, sound, wish)
            say(_segment(inferencer, heard, sound, folder / sound, tell))

    def check(self, wish: Wish) -> Media:
        """Find the video, and refuse what the server does not take.

        Raises:
            ValueError: No video, no sound to try, or beyond a limit.
        """
        if not wish.video:
            raise ValueError('upload a video first, or take an example')
        if not set(wish.sounds) & set(OFFERED):
            raise ValueError('choose at least one sound')
        size = Path(wish.video).stat().st_size / 2**20
        if size > self.limits.megabytes:
            raise ValueError(
                f'the video has {size:.0f} MB, and up to '
                f'{self.limits.megabytes} MB are taken here. Fix: make it '
                'smaller, or run mmavs on a machine of your own'
            )
        media = find_media(wish.video)
        height, width = media.pictures.size
        if height * width > MAX_PIXELS:
            raise ValueError(
                f'the video is {width} x {height}, and up to 3840 x 2160 are '
                'taken here. Fix: make it smaller'
            )
        self._check_length(media.pictures.duration or 0.0)
        return media

    def _check_length(self, seconds: float) -> None:
        if seconds > self.limits.seconds + 1:
            raise ValueError(
                f'the video is longer than {self.limits.seconds} seconds, '
                'which is the most that is taken here. Fix: cut a piece out, '
                'or run mmavs on a machine of your own'
            )

    def _heard(self, media: Media, sound: str, wish: Wish) -> Media:
        if sound == 'own':
            return media
        if sound in WORDS:
            return find_media(media, sound)
        own = Path(wish.video).name
        others = [path for path in self.examples if Path(path).name != own]
        other = wish.other or next(iter(others), None)
        if other is None:
            raise ValueError(
                'there is no other sound to swap in. Fix: add a sound file, '
                'or leave swap out'
            )
        return find_media(media, repeated(other))


def _segment(
    inferencer: AVSInferencer,
    media: Media,
    sound: str,
    folder: Path,
    tell: Callable[[float], None],
) -> Result:
    """Write the results under one sound into a folder of its own."""
    folder.mkdir()
    stem = f'{media.name}_{sound}'
    overlay = folder / f'{stem}.mp4'
    masks = folder / f'{stem}_masks'
    summary = inferencer(
        media, out_video=overlay, out_dir=masks, progress=tell
    )
    (masks / LIST).unlink()  # of no use elsewhere
    archive = shutil.make_archive(str(masks), 'zip', masks)
    shutil.rmtree(masks)
    public = {
        key: value
        for key, value in summary.items()
        if key not in _FOLDERS_OF_RESULT
    }
    public['video'] = Path(str(media.source)).name
    public['sound'] = f'{sound}: {SOUNDS[sound]}'
    public['model'] = Path(summary['model']).stem
    public.pop('weights')
    path = folder / f'{stem}.json'
    write_text(path, json.dumps(public, indent=1))
    return Result(
        sound,
        overlay,
        Path(archive),
        path,
        summary['masks'],
        summary['missing'],
    )

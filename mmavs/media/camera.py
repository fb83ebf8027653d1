"""The camera and microphone of this machine, as pictures with their sound."""

import logging
import sys
import threading
from collections import deque
from contextlib import contextmanager
from typing import Callable, Deque, Iterator, Optional, Tuple

import cv2
import numpy as np
from mmengine.logging import print_log

from mmavs.compat import import_av

RATE = 16000  # Hz, of the sound that is given
_MOST = 150  # pictures that wait for the model, pieces for a picture

Moment = Tuple[np.ndarray, Tuple[np.ndarray, int]]


def camera(
    index: int = 0,
    capture=None,
    sound: Optional[Iterator[np.ndarray]] = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Moment]:
    """Give what a camera sees and a microphone hears until it is stopped.

    A model that is slower than the camera loses whole stretches, pictures and
    sound alike, and a warning says so: memory does not grow.

    Args:
        index (int): Of the camera, as OpenCV counts.
        capture (cv2.VideoCapture, optional): Or anything with its ``read``
            and ``release``. Defaults to camera ``index``.
        sound (Iterator[ndarray], optional): Pieces (S,) float32 in [-1, 1]
            at ``RATE``. Defaults to :func:`microphone`.
        stopped (callable): Asked before each picture.

    Yields:
        tuple: Picture (H, W, 3) uint8 BGR, and ``(samples, RATE)`` since the
        picture before.

    Raises:
        RuntimeError: There is no camera or no microphone.
    """
    capture = _open_camera(index) if capture is None else capture
    sound = microphone() if sound is None else sound
    recorder = _Recorder(capture, sound)
    try:
        yield from recorder.moments(stopped)
    finally:
        recorder.close()


class _Recorder:
    """Two threads that fill a queue: one listens, one watches."""

    def __init__(self, capture, sound: Iterator[np.ndarray]) -> None:
        self._capture, self._sound = capture, sound
        # if the camera stalls, only so much sound waits for it
        self._heard: Deque[np.ndarray] = deque(maxlen=_MOST)
        self._waiting: Deque[Moment] = deque()
        self._change = threading.Condition()
        self._silent = self._ended = self._lost = False
        self._error: Optional[Exception] = None
        self._threads = [
            threading.Thread(target=self._guard, args=[work], daemon=True)
            for work in (self._listen, self._watch)
        ]
        for thread in self._threads:
            thread.start()

    def moments(self, stopped: Callable[[], bool]) -> Iterator[Moment]:
        """Give what waits, until it is stopped or comes to an end."""
        while not stopped():
            with self._change:
                self._change.wait_for(
                    lambda: self._waiting or self._ended, timeout=0.1
                )
                if self._error is not None:
                    raise self._error
                if not self._waiting:
                    if self._ended:
                        return
                    continue
                moment = self._waiting.popleft()
            yield moment

    def close(self) -> None:
        """End both threads; the one that listens ends with its next piece."""
        self._ended = True
        self._threads[1].join()
        self._capture.release()

    def _guard(self, work: Callable[[], None]) -> None:
        """Hand an error on to whoever asks for moments."""
        try:
            work()
        except Exception as error:
            self._error, self._ended = error, True

    def _listen(self) -> None:
        for piece in self._sound:
            with self._change:
                self._heard.append(piece)
            if self._ended:
                return
        self._silent = True

    def _watch(self) -> None:
        while not self._ended:
            there, image = self._capture.read()
            with self._change:
                # a picture that nothing was heard with gives way to the next
                if there and self._heard:
                    self._pair(image)
                elif not there or self._silent:
                    self._ended = True
                self._change.notify()

    def _pair(self, image: np.ndarray) -> None:
        samples = np.concatenate(self._heard)
        self._heard.clear()
        if len(self._waiting) < _MOST:
            self._waiting.append((image, (samples, RATE)))
        elif not self._lost:
            self._lost = True
            print_log(
                'the model is slower than the camera: some stretches are left '
                'out, pictures and sound alike. Fix: take a smaller model, or '
                'a GPU.',
                logger='current',
                level=logging.WARNING,
            )


def _open_camera(index: int):
    log = cv2.utils.logging
    level = log.setLogLevel(log.LOG_LEVEL_SILENT)  # what is wrong is said here
    capture = cv2.VideoCapture(index)
    log.setLogLevel(level)
    if not capture.isOpened():
        raise RuntimeError(
            f'there is no camera {index} here. Fix: plug one in and let this '
            'user read it (/dev/video*), or give a video file.'
        )
    return capture


def microphone(device: str = 'default') -> Iterator[np.ndarray]:
    """Give what the microphone hears.

    Args:
        device (str): ALSA's name of it.

    Returns:
        Iterator[ndarray]: Pieces (S,) float32 in [-1, 1] at ``RATE``.

    Raises:
        RuntimeError: There is none, or PyAV was built without ALSA.
    """
    av = import_av()
    try:
        container = av.open(device, format='alsa')
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or str(error)
        raise RuntimeError(
            f'the microphone {device!r} cannot be opened by ALSA ({reason}; '
            f'{sys.platform}, PyAV {av.__version__}). Fix: on Linux, see that '
            '"arecord -l" lists one and that PyAV has the format "alsa" '
            '(av.formats_available); elsewhere record a video and give the '
            'file.'
        ) from None
    return _heard(container)


def _heard(container) -> Iterator[np.ndarray]:
    import av

    resampler = av.AudioResampler('flt', 'mono', RATE)
    with container:
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                yield part.to_ndarray()[0]


@contextmanager
def until_interrupted() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end a recording, not the program.

    Yields:
        callable: Whether it was pressed.
    """
    import signal

    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)

"""Camera and microphone, by injected ones."""

import threading
import time

import av
import numpy as np
import pytest

from mmavs.media import camera as module
from mmavs.media.camera import RATE, camera, microphone, until_interrupted


class FakeCamera:
    """Gives picture i, filled with i, once it is allowed to."""

    def __init__(self, count, allowed):
        self.count, self.allowed, self.given = count, allowed, 0
        self.released = False

    def read(self):
        self.allowed.acquire(timeout=1)
        if self.given == self.count:
            return False, None
        self.given += 1
        return True, np.full((4, 6, 3), self.given % 256, np.uint8)

    def release(self):
        self.released = True


def pieces(count, allowed):
    """Sound i, filled with i / 100; each lets one picture come."""
    for i in range(count):
        yield np.full(100, i / 100, np.float32)
        allowed.release()
    allowed.release()


def test_a_picture_comes_with_the_sound_since_the_one_before():
    allowed = threading.Semaphore(0)
    capture = FakeCamera(5, allowed)
    found = list(camera(capture=capture, sound=pieces(5, allowed)))
    assert capture.released
    samples = np.concatenate([samples for _, (samples, _) in found])
    assert samples == pytest.approx(np.repeat(np.arange(5) / 100, 100))
    assert {rate for _, (_, rate) in found} == {RATE}
    assert all(image.shape == (4, 6, 3) for image, _ in found)


def test_it_stops_when_told(monkeypatch):
    allowed = threading.Semaphore(10**6)
    capture = FakeCamera(10**6, allowed)
    given = []

    def endless():
        while True:
            time.sleep(0.001)
            yield np.zeros(10, np.float32)

    for moment in camera(
        capture=capture, sound=endless(), stopped=lambda: len(given) == 3
    ):
        given.append(moment)
    assert len(given) == 3 and capture.released


def test_what_fails_meanwhile_is_said():
    def torn():
        yield np.zeros(10, np.float32)
        raise OSError('unplugged')

    allowed = threading.Semaphore(10**6)
    with pytest.raises(OSError, match='unplugged'):
        list(camera(capture=FakeCamera(10**6, allowed), sound=torn()))


def test_a_slow_model_loses_stretches_and_is_told(monkeypatch, warned):
    monkeypatch.setattr(module, '_MOST', 2)
    allowed, done = threading.Semaphore(0), threading.Event()
    capture = FakeCamera(30, allowed)

    def in_turn():
        for i, piece in enumerate(pieces(30, allowed)):
            while capture.given < i:
                time.sleep(0.001)
            yield piece
        done.set()

    found = []
    for moment in camera(capture=capture, sound=in_turn()):
        done.wait(5)
        found.append(moment)
    assert 1 <= len(found) <= 6
    assert len(warned) == 1 and 'slower than the camera' in warned[0]


def test_what_is_not_there_is_said(monkeypatch):
    with pytest.raises(RuntimeError, match='no camera 99 here. Fix'):
        next(camera(99))

    def refuse(*args, **options):
        raise av.error.FileNotFoundError(2, 'No such file or directory')

    monkeypatch.setattr(av, 'open', refuse)
    with pytest.raises(
        RuntimeError, match="microphone 'default' cannot .*Fix"
    ):
        microphone()


def test_the_microphone_is_resampled(monkeypatch, tmp_path):
    """What ALSA gives, here from a file."""
    from scipy.io import wavfile

    tone = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000) / 2
    wavfile.write(tmp_path / 'a.wav', 48000, tone.astype(np.float32))
    asked, real = [], av.open

    def open_file(device, format=None):
        asked.append((device, format))
        return real(str(tmp_path / 'a.wav'))

    monkeypatch.setattr(av, 'open', open_file)
    samples = np.concatenate(list(microphone()))
    assert asked == [('default', 'alsa')]
    assert abs(len(samples) - RATE) < 50
    expected = np.sin(2 * np.pi * 440 * np.arange(len(samples)) / RATE) / 2
    assert np.abs(samples[200:-200] - expected[200:-200]).max() < 0.02


def test_ctrl_c_ends_a_recording():
    import os
    import signal

    before = signal.getsignal(signal.SIGINT)
    with until_interrupted() as stopped:
        assert not stopped()
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped()
    assert signal.getsignal(signal.SIGINT) is before

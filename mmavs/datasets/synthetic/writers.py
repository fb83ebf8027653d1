"""Writing one clip's files."""

import wave
from pathlib import Path
from typing import Dict, List, Tuple

import cv2
import numpy as np

from mmavs.compat import import_av
from mmavs.compat.av_pictures import converted
from mmavs.files.whole_files import whole_file, write_picture

from ..avss_classes import AVSS_CLASSES, AVSS_PALETTE
from ..s4_categories import S4_CATEGORIES
from .layouts import Classes, ClipFiles, Layout
from .scene import FRAME_OFFSET, VIDEO_FPS
from .script import ClipScript
from .timbres import SAMPLE_RATE
from .world import PlayedScene, World

_NO_CATEGORY = 255  # category_maps.UNKNOWN
_PALETTE_BGR = np.array(AVSS_PALETTE, np.uint8)[:, ::-1]


def write_clip(
    root: Path,
    layout: Layout,
    script: ClipScript,
    split: str,
    size: int,
    video: bool,
    world: World,
) -> None:
    """Write a clip unless it is there already.

    The sound comes last and appears in one step, so it marks a whole clip.
    """
    files = layout.files(root, script, split, world.classes)
    last = [files.audio, *files.category_maps[-1:]]
    last += [files.video] if video else []
    if all(path.exists() for path in last):
        return
    scene = world.scene(script, frame_size(layout, size))
    waveform = to_int16(world.mix_sound(script))
    write_pictures(files, layout, script, scene, world.classes)
    if video:
        write_video(files.video, scene, waveform, script.num_frames)
    write_wav(files.audio, waveform)


def frame_size(layout: Layout, size: int) -> Tuple[int, int]:
    """Height and width of the frames; even, as video codecs want it."""
    width = size * 4 // 3 if layout.landscape else size
    return size, width + width % 2


def write_pictures(
    files: ClipFiles,
    layout: Layout,
    script: ClipScript,
    scene: PlayedScene,
    classes: Classes,
) -> None:
    """Write frames and masks."""
    ids = _avss_ids(classes) if layout.semantic else _category_ids(classes)
    for t, frame_path in enumerate(files.frames):
        frame, owner = scene.render(t + FRAME_OFFSET)
        _write_image(frame_path, frame)
        if t >= len(files.masks):
            continue
        labels = sounding_labels(owner, script.sounding[t])
        if files.category_maps:
            _write_image(files.category_maps[t], ids[labels])
        if not layout.semantic:
            _write_image(files.masks[t], (labels > 0).astype(np.uint8) * 255)
            continue
        _write_image(files.masks[t], ids[labels])
        _write_image(files.color_masks[t], _PALETTE_BGR[ids[labels]])


def _avss_ids(classes: Classes) -> np.ndarray:
    """Give the class of AVSBench-semantic of every label + 1, uint8."""
    ids = [AVSS_CLASSES.index(kind.name) for kind in classes]
    return np.array([0, *ids], np.uint8)


def _category_ids(classes: Classes) -> np.ndarray:
    """Give S4's category of every label + 1, 255 without one, uint8."""
    ids = [
        1 + S4_CATEGORIES.index(kind.category)
        if kind.category in S4_CATEGORIES
        else _NO_CATEGORY
        for kind in classes
    ]
    return np.array([0, *ids], np.uint8)


def sounding_labels(owner: np.ndarray, sounding: tuple) -> np.ndarray:
    """Keep ``label + 1`` (H, W) of the sounding objects, 0 elsewhere."""
    lut = np.zeros(256, np.uint8)
    for label in sounding:
        lut[label + 1] = label + 1
    return lut[owner]


def _write_image(path: Path, image: np.ndarray) -> None:
    options: Dict[str, List[int]] = {
        '.png': [cv2.IMWRITE_PNG_COMPRESSION, 1],
        '.jpg': [cv2.IMWRITE_JPEG_QUALITY, 95],
    }
    write_picture(path, image, *options[path.suffix])


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """[-1, 1] float -> 16-bit samples."""
    return np.clip(np.round(waveform * 32767), -32768, 32767).astype('<i2')


def write_wav(path: Path, samples: np.ndarray) -> None:
    """Write (S,) int16 mono samples at 16 kHz."""
    with whole_file(path) as partial, wave.open(str(partial), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())


def write_video(
    path: Path,
    scene: PlayedScene,
    samples: np.ndarray,
    seconds: int,
    crf: int = 12,
) -> None:
    """Write H.264 pictures at 8 fps with AAC sound.

    Second l's frame on disk is frame 8 l + 7 of the video, up to the codec.

    Args:
        path (Path): mp4 file.
        scene (PlayedScene): What is seen.
        samples (np.ndarray): What is heard, (S,) int16 at 16 kHz.
        seconds (int): Length.
        crf (int): H.264's scale of quality, 0 to 51; less is better and
            larger.
    """
    av = import_av()
    height, width = scene.size
    with whole_file(path) as partial, av.open(str(partial), 'w') as container:
        pictures = container.add_stream('libx264', rate=VIDEO_FPS)
        pictures.width, pictures.height = width, height
        pictures.pix_fmt = 'yuv420p'
        # the same bytes every time: x264's depend on the number of threads,
        # and of pictures out of order even on the run
        pictures.options = dict(
            crf=str(crf), preset='veryfast', bf='0', threads='1'
        )
        sound = container.add_stream('aac', rate=SAMPLE_RATE, layout='mono')
        sound.bit_rate = 96000
        for index in range(seconds * VIDEO_FPS):
            frame, _ = scene.render(index / VIDEO_FPS)
            frame = av.VideoFrame.from_ndarray(frame, format='bgr24')
            frame = converted(frame, format=pictures.pix_fmt)
            container.mux(pictures.encode(frame))
        audio = av.AudioFrame.from_ndarray(
            samples[None], format='s16', layout='mono'
        )
        # With a start of 0 the file notes the codec's delay, and players and
        # decoders skip it; without, the sound comes 64 ms late.
        audio.sample_rate, audio.pts = SAMPLE_RATE, 0
        container.mux(sound.encode(audio))
        container.mux(pictures.encode(None))
        container.mux(sound.encode(None))

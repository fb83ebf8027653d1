"""Whole files of every kind, made with the project's own writers."""

import json
import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from PIL import Image
from scipy.io import wavfile

from mmavs.compat import import_av
from mmavs.datasets.synthetic import ensure_synthetic
from mmavs.evaluation.metrics import DumpClips
from mmavs.structures import AVSDataSample, FramePixelData
from mmavs.testing.media import write_test_video

SIZE = 32
SECONDS = 5
RATE = 16000
CLIPS = dict(train=1, val=1, test=1)
ROOT = Path(__file__).resolve().parents[2]


def make(root: Path, model: torch.nn.Module) -> None:
    """Make a folder of seeds for each group of kinds.

    Args:
        root (Path): Gets the folders.
        model (nn.Module): Whose weights become checkpoints.
    """
    for setting in ('s4', 'ms3', 'avss'):
        made = ensure_synthetic(
            root, setting, CLIPS, SIZE, workers=1, progress=False
        )
        made.rename(root / setting)
    shutil.copytree(root / 'avss', root / 'avss_rgb')
    for labels in (root / 'avss_rgb').rglob('labels_semantic'):
        shutil.rmtree(labels)
    shutil.copytree(root / 'ms3', root / 'cached')
    _log_mels(root / 'ms3')
    _own_clips(root / 'own')
    _videos(root / 'videos')
    _weights(root / 'weights', model)
    _dumps(root / 'dumps')
    _masks(root / 'masks', 255)
    _masks(root / 'labels', 1)
    _configs(root / 'configs')
    _texts(root / 'texts')


def pictures(count: int, height: int = SIZE, width: int = SIZE) -> np.ndarray:
    """Smooth pictures that differ, (count, H, W, 3) uint8."""
    y, x = np.mgrid[:height, :width]
    shift = 20 * np.arange(count)[:, None, None]
    planes = [
        (3 * x + shift) % 256,
        (5 * y + shift) % 256,
        (x + y) % 256 + 0 * shift,
    ]
    return np.stack(planes, -1).astype(np.uint8)


def sound(seconds: float = SECONDS) -> np.ndarray:
    """A chirp, (S,) float."""
    time = np.arange(int(seconds * RATE)) / RATE
    return 0.3 * np.sin(2 * np.pi * (200 + 90 * time) * time)


def _log_mels(ms3: Path) -> None:
    rng = torch.Generator().manual_seed(0)
    for wav in ms3.rglob('*.wav'):
        path = Path(str(wav).replace('audio_wav', 'audio_log_mel'))
        path = path.with_suffix('.pkl')
        path.parent.mkdir(parents=True, exist_ok=True)
        log_mel = torch.randn(SECONDS, 1, 96, 64, generator=rng)
        path.write_bytes(pickle.dumps(log_mel, 2))


def _own_clips(root: Path) -> None:
    rows = ['clip_id,frames,audio,masks']
    for name in ('a', 'b'):
        for kind in ('frames', 'masks', 'audio'):
            (root / kind / name).mkdir(parents=True)
        for t, picture in enumerate(pictures(SECONDS)):
            cv2.imwrite(str(root / f'frames/{name}/{t}.jpg'), picture)
            mask = np.where(picture[..., 0] > 99, 255, 0).astype(np.uint8)
            Image.fromarray(mask).save(root / f'masks/{name}/{t}.png')
        wavfile.write(
            root / f'audio/{name}/{name}.wav',
            RATE,
            sound().astype(np.float32),
        )
        rows.append(
            f'{name},frames/{name},audio/{name}/{name}.wav,masks/{name}'
        )
    (root / 'clips.csv').write_text('\n'.join(rows) + '\n')


def _videos(root: Path) -> None:
    root.mkdir()
    write_test_video(
        root / 'clip.mp4', pictures(10 * SECONDS), sound=sound()[None]
    )
    _remux(root / 'clip.mp4', root / 'clip.mkv')
    _write_sound(root / 'sound.flac', 'flac', 's16')
    _write_sound(root / 'sound.m4a', 'aac', 'fltp')


def _remux(source: Path, target: Path) -> None:
    av = import_av()
    with av.open(str(source)) as old, av.open(str(target), 'w') as new:
        streams = {
            s.index: new.add_stream_from_template(s) for s in old.streams
        }
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)


def _write_sound(path: Path, codec: str, kind: str) -> None:
    av = import_av()
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=RATE, layout='mono')
        samples = (sound() * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, 's16', 'mono')
        frame.sample_rate = RATE
        resampler = av.AudioResampler(kind, 'mono', RATE)
        for part in resampler.resample(frame):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _weights(root: Path, model: torch.nn.Module) -> None:
    root.mkdir()
    weights = model.state_dict()
    torch.save(dict(state_dict=weights, meta={}), root / 'own.pth')
    torch.save(
        dict(state_dict=weights),
        root / 'legacy.pth',
        _use_new_zipfile_serialization=False,
    )
    optimizer = torch.optim.AdamW(model.parameters()).state_dict()
    state = dict(meta=dict(epoch=1, iter=2), message_hub={})
    torch.save(
        dict(state, state_dict=weights, optimizer=optimizer),
        root / 'epoch_1.pth',
    )
    (root / 'last_checkpoint').write_text('epoch_1.pth')
    golden = ROOT / 'tests' / 'data' / 'golden'
    for name in ('vggish', 'avsbg_pvt_basic', 'avsegformer_ms3_res'):
        shapes = json.loads((golden / f'keys_{name}.json').read_text())
        # few numbers of each tensor
        tensors = {
            key: torch.full([min(n, 4) for n in shape], float(i))
            for i, (key, shape) in enumerate(shapes['state_dict'].items())
        }
        torch.save(tensors, root / f'{name}.pth')


def _clip(index: int, num_classes: int) -> AVSDataSample:
    rng = torch.Generator().manual_seed(index)
    logits = torch.randn(3, num_classes, 12, 10, generator=rng)
    sample = AVSDataSample(
        metainfo=dict(clip_id=f'clip{index}', sample_idx=index, num_frames=3)
    )
    labels = logits.argmax(1, keepdim=True)
    sample.pred_sem_seg = FramePixelData(data=labels)
    sample.gt_sem_seg = FramePixelData(data=labels.roll(1, -1))
    if num_classes == 2:
        logit = logits[:, 1:] - logits[:, :1]
        sample.seg_logits = FramePixelData(data=logit)
        sample.pred_instances = InstanceData(scores=torch.rand(2))
    return sample


def _dumps(root: Path) -> None:
    root.mkdir()
    for name, num_classes in (('binary', 2), ('semantic', 71)):
        metric = DumpClips(str(root / f'{name}.pkl'))
        clips = [_clip(index, num_classes) for index in range(4)]
        Evaluator([metric]).offline_evaluate(clips)


def _masks(root: Path, value: int) -> None:
    rng = np.random.default_rng(0)
    for kind in ('predictions', 'truth'):
        for clip in ('a', 'b'):
            (root / kind / clip).mkdir(parents=True)
            for t in range(3):
                mask = value * (rng.random((12, 10)) > 0.5)
                path = root / kind / clip / f'{clip}_{t + 1}.png'
                Image.fromarray(mask.astype(np.uint8)).save(path)
    (root / 'clips.csv').write_text('name,split\na,test\nb,test\n')
    classes = ['background', 'dog']
    (root / 'classes.txt').write_text('\n'.join(classes) + '\n')


def _configs(root: Path) -> None:
    root.mkdir()
    config = Config.fromfile(ROOT / 'configs/synthetic/film_tiny_ms3.py')
    for name in ('c.yaml', 'c.json', 'c.py'):
        config.dump(root / name)


def _texts(root: Path) -> None:
    root.mkdir()
    rows = [dict(loss=1 / i, step=i, iter=i, epoch=1) for i in range(1, 20)]
    lines = [json.dumps(row) for row in rows]
    (root / 'scalars.json').write_text('\n'.join(lines) + '\n')
    folder = root / 'outputs'
    folder.mkdir()
    for name in ('0.png', '1.png'):
        shutil.copy(
            ROOT / 'docs/en/_static/quickstart_clip.png', folder / name
        )
    (folder / '.mmavs_files').write_text('0.png\n1.png\n')
    (root / 'prepared.json').write_text('{"sampling": "index", "size": null}')
    (root / 'precious').write_text('not of any run')

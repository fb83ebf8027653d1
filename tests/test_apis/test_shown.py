"""Masks on screen: with what moves, and with what sounds."""

import cv2
import numpy as np
import pytest
import torch

from mmavs.apis import AVSInferencer, run, segmenter
from mmavs.apis.evidence import (
    Evidence,
    evidence_of_labels,
    evidence_of_logits,
)
from mmavs.apis.mask_frames import MaskFrame
from mmavs.apis.motion import Motion, warp
from mmavs.apis.shown import Part, blend
from mmavs.media.video import Picture, VideoPictures
from mmavs.structures import FramePixelData
from mmavs.testing.media import write_test_video

SPEED, RADIUS, FPS = 36, 14, 12  # pixels per second, pixels, pictures


def centre(time):
    return 30 + SPEED * time


def moving_disc(seconds, cut=None):
    """A bright disc that moves to the right over a dim, grainy ground."""
    draw = np.random.default_rng(0)
    ground = cv2.GaussianBlur(
        draw.uniform(0, 90, (96, 192, 3)).astype(np.float32), (5, 5), 1
    )
    grain = draw.uniform(0, 60, (96, 192)).astype(np.float32)
    y, x = np.mgrid[:96, :192]
    pictures = []
    for i in range(seconds * FPS):
        middle = centre(i / FPS)
        disc = (x - middle) ** 2 + (y - 48) ** 2 <= RADIUS**2
        moved = np.roll(grain, round(middle), axis=1)
        picture = ground.copy()
        picture[disc] = 190 + moved[disc][:, None]
        pictures.append(picture.astype(np.uint8))
    return np.stack(pictures)


@pytest.fixture
def sees_what_is_bright(deaf_model, monkeypatch):
    """A model that is right about the picture that it is given."""

    def bright(model, clips):
        samples = [clip['data_samples'] for clip in clips]
        for sample, clip in zip(samples, clips):
            grey = clip['inputs']['imgs'].float().mean(1, keepdim=True)
            logits = (grey - 140) / 10  # (T, 1, 32, 32)
            large = torch.nn.functional.interpolate(
                logits, sample.ori_shape[:2], mode='bilinear'
            )
            sample.pred_sem_seg = FramePixelData(data=(large > 0).long())
            sample.seg_logits = FramePixelData(data=logits)
        return samples

    monkeypatch.setattr(segmenter, 'run_clips', bright)
    return AVSInferencer(deaf_model)


def leads(inferencer, video, matte):
    """By how many seconds the paint is ahead of each picture's disc."""
    inferencer(video, out_alpha=matte, progress=False, overwrite=True)
    found = []
    for i, picture in enumerate(VideoPictures(matte)):
        xs = np.nonzero(picture.read()[..., 0] > 127)[1]
        found.append((xs.mean() - centre(i / FPS)) / SPEED)
    return np.array(found)


def test_paint_stays_on_what_moves(sees_what_is_bright, tmp_path, monkeypatch):
    video = write_test_video(tmp_path / 'in.mp4', moving_disc(3), fps=FPS)
    matte = tmp_path / 'matte.mp4'
    fitted = leads(sees_what_is_bright, video, matte)
    monkeypatch.setattr(run, 'OVERLAY_FPS', 1)
    alone = leads(sees_what_is_bright, video, matte)
    # one mask a second is made from the last picture of its second
    expected = 11 / 12 - np.arange(36) % 12 / 12
    assert alone == pytest.approx(expected, abs=0.04)
    for name, lead in (('one mask a second', alone), ('fitted', fitted)):
        mean, most = np.abs(lead).mean(), np.abs(lead).max()
        print(f'{name}: {mean:.2f} s beside on average, {most:.2f} s at most')
    # a step lasts for 1/6 s, and shows its middle
    assert np.abs(fitted).max() < 0.2
    assert np.abs(fitted).mean() < 0.08


class Watched(Motion):
    """Motion between two given pictures, (H, W) uint8."""

    def __init__(self, *pictures):
        super().__init__(fps=1)
        for i, picture in enumerate(pictures):
            colours = np.repeat(picture[..., None], 3, axis=2)
            self.see(Picture(float(i), 1.0, lambda p=colours: p))


def test_displacements_are_chained():
    draw = np.random.default_rng(0)
    grain = draw.integers(0, 255, (64, 96), np.uint8)
    grain = cv2.GaussianBlur(grain, (7, 7), 2)
    grain = cv2.normalize(grain, None, 0, 255, cv2.NORM_MINMAX)
    motion = Watched(*(np.roll(grain, 3 * i, axis=1) for i in range(4)))
    assert motion.count == 4
    there = motion.between(0, 3)[16:48, 16:64]
    assert np.median(there[..., 0]) == pytest.approx(9, abs=0.5)
    assert np.median(np.abs(there[..., 1])) < 0.5
    back = motion.between(3, 0)[16:48, 32:80]
    assert np.median(back[..., 0]) == pytest.approx(-9, abs=0.5)
    # what is fetched from there is what is here
    fetched = warp(motion.picture(3), motion.between(0, 3))
    apart = np.abs(fetched.astype(float) - motion.picture(0))[16:48, 16:64]
    assert apart.mean() < 8
    assert motion.between(2, 2) is None


def test_pictures_that_stay_do_not_move():
    motion = Watched(*[np.zeros((8, 8), np.uint8)] * 3)
    assert motion.between(0, 2) is None
    assert motion.picture(0).shape == (16, 16)


def test_motion_forgets_what_is_past():
    motion = Watched(*[np.zeros((32, 32), np.uint8)] * 40)
    motion.forget(39)
    motion.picture(23)
    with pytest.raises(KeyError):
        motion.picture(22)


def frame_of(values, maps, index=0):
    evidence = Evidence(values, np.asarray(maps, np.float32))
    return MaskFrame(index, False, b'', None, [], evidence)


def part_of(values, maps, weight, sure=1.0):
    maps = np.asarray(maps, np.float32).reshape(-1, 1, 2).transpose(1, 2, 0)
    sure = np.broadcast_to(np.float32(weight * np.float32(sure)), (1, 2))
    return Part(frame_of(values, maps), weight, maps, sure)


def test_evidence_of_one_channel_is_against_the_threshold():
    logits = torch.tensor([[[-1.0986123, 4 - 1.0986123]]])
    found = evidence_of_logits(
        logits.numpy(), threshold=0.25
    )  # whose logit it is
    assert found.values == (1,)
    assert found.maps[0, 0] == pytest.approx([0, np.tanh(1)], abs=1e-6)


def test_evidence_of_classes_is_against_the_background():
    logits = torch.zeros(4, 1, 2)
    logits[2, 0, 0], logits[0, 0, 1], logits[3, 0, 1] = 2.0, 3.0, 1.0
    found = evidence_of_logits(logits.numpy(), 0.5)
    assert found.values == (2,)  # the background wins the other pixel
    expected = np.tanh([[[0.5, -0.75]]])
    assert found.maps == pytest.approx(expected, abs=1e-6)


def test_evidence_of_labels_is_what_they_cover():
    labels = np.zeros((4, 320), np.uint8)
    labels[:, :160] = 7
    found = evidence_of_labels(labels)
    assert found.values == (7,) and found.maps.shape == (1, 2, 160)
    assert (
        found.maps[0, :, :79].min() > 0.99
        and found.maps[0, :, 81:].max() < -0.99
    )
    assert evidence_of_labels(labels * 0).values == ()


def test_between_guitar_and_violin_there_is_never_nothing():
    """Each mask is sure of its own class, and silent in the other pixel."""
    for share in (0.1, 0.45, 0.55, 0.9):
        parts = [
            part_of((3,), [[0.9, -0.9]], 1 - share),
            part_of((8,), [[0.9, -0.9]], share),
        ]
        expected = [[8 if share > 0.5 else 3, 0]]
        assert blend(parts, (1, 2)).tolist() == expected


def test_sound_that_sets_in_is_painted_from_its_second_on():
    """Half a step before the second: nothing; half a step after: all."""
    for share, there in ((0.42, 0), (0.58, 1)):
        parts = [
            part_of((), np.zeros((0, 1, 2)), 1 - share),
            part_of((1,), [[0.95, 0.95]], share),
        ]
        assert blend(parts, (1, 2)).tolist() == [[there, there]]


def test_a_mask_of_another_scene_hardly_counts():
    parts = [
        part_of((1,), [[0.9, -0.9]], 0.3),
        part_of((1,), [[-0.9, 0.9]], 0.7, sure=0.05),
    ]
    assert blend(parts, (1, 2)).tolist() == [[1, 0]]


def test_masks_are_enlarged_smoothly():
    part = part_of((1,), [[0.5, -0.5]], 1.0)
    found = blend([part], (1, 8))
    assert found.tolist() == [[1, 1, 1, 1, 0, 0, 0, 0]]


def test_a_video_shorter_than_a_step(sees_what_is_bright, tmp_path):
    video = write_test_video(tmp_path / 'in.mp4', moving_disc(1)[:1], fps=FPS)
    (lead,) = leads(sees_what_is_bright, video, tmp_path / 'm.mp4')
    assert abs(lead) < 0.05

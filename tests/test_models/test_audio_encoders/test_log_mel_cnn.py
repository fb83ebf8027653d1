import torch

from mmavs.registry import MODELS
from mmavs.testing import check_gradients


def test_shapes_and_gradients():
    encoder = MODELS.build(dict(type='LogMelCNN'))
    audio = torch.randn(6, 1, 96, 64)
    assert encoder(audio).shape == (6, encoder.out_channels)
    assert encoder.out_channels == 128
    check_gradients(encoder, lambda: encoder(audio).square().sum())


def test_frames_do_not_see_each_other():
    encoder = MODELS.build(dict(type='LogMelCNN')).eval()
    audio = torch.randn(4, 1, 96, 64)
    together = encoder(audio)
    alone = torch.cat([encoder(frame[None]) for frame in audio])
    torch.testing.assert_close(together, alone)


def test_pitch_matters():
    encoder = MODELS.build(dict(type='LogMelCNN')).eval()
    audio = torch.full((1, 1, 96, 64), -4.6)
    low, high = audio.clone(), audio.clone()
    low[..., :8], high[..., -8:] = 2, 2
    assert (encoder(low) - encoder(high)).abs().max() > 0.1


def test_out_channels():
    encoder = MODELS.build(
        dict(type='LogMelCNN', channels=(8, 8), out_channels=32)
    )
    assert encoder(torch.randn(2, 1, 96, 64)).shape == (2, 32)


def test_half_precision_stays_close():
    encoder = MODELS.build(dict(type='LogMelCNN')).eval()
    audio = torch.randn(2, 1, 96, 64)
    with torch.autocast('cpu', torch.bfloat16):
        half = encoder(audio)
    torch.testing.assert_close(
        half.float(), encoder(audio), rtol=0.1, atol=0.1
    )

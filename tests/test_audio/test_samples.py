"""Every front end refuses samples whose full scale is not 1."""

import pytest
import torch

from mmavs.audio import beats_fbank, vggish_log_mel
from mmavs.audio.fbank import fbank_of_segments
from mmavs.audio.log_mel import log_mel
from mmavs.audio.samples import check_scale
from mmavs.datasets.transforms import (
    AudioSegments,
    BEATsFbank,
    LoadAudio,
    VGGishLogMel,
)
from mmavs.models.audio_encoders import (
    BEATsFbankFrontEnd,
    VGGishLogMelFrontEnd,
)

LENGTH = 15600  # of one VGGish example


def transform(kind):
    def run(waveform):
        return kind(
            dict(
                audio_path='a.wav',
                waveform=waveform,
                sample_rate=16000,
                frames=[{}],
            )
        )

    return run


FRONT_ENDS = dict(
    vggish_log_mel=lambda x: vggish_log_mel(x, 16000),
    vggish_log_mel_resampled=lambda x: vggish_log_mel(x, 44100),
    beats_fbank=lambda x: beats_fbank(x, 16000),
    log_mel=lambda x: log_mel(x[None]),
    fbank_of_segments=lambda x: fbank_of_segments(x[None]),
    LoadAudio=transform(LoadAudio()),
    VGGishLogMel=transform(VGGishLogMel()),
    VGGishLogMel_hop=transform(VGGishLogMel(hop=0.5)),
    BEATsFbank=transform(BEATsFbank()),
    AudioSegments=transform(AudioSegments()),
    VGGishLogMelFrontEnd=lambda x: VGGishLogMelFrontEnd()(x[None]),
    BEATsFbankFrontEnd=lambda x: BEATsFbankFrontEnd()(x[None]),
)
each = pytest.mark.parametrize(
    'front_end', FRONT_ENDS.values(), ids=FRONT_ENDS
)


@each
@pytest.mark.parametrize(
    'dtype, fix',
    [
        (torch.int16, r'waveform\.float\(\) / 32768'),
        (torch.int32, r'waveform\.double\(\) / 2147483648'),
        (torch.uint8, r'\(waveform\.float\(\) - 128\) / 128'),
    ],
)
def test_integers_are_refused(front_end, dtype, fix):
    name = str(dtype).removeprefix('torch.')
    message = f'holds {name} samples, but full scale is 1. Fix: {fix}'
    with pytest.raises(ValueError, match=message):
        front_end(torch.ones(LENGTH, dtype=dtype))


@each
def test_the_largest_of_unscaled_floats_is_named(front_end):
    waveform = torch.zeros(LENGTH)
    waveform[7] = -12345.0
    with pytest.raises(
        ValueError, match='up to 12345; full scale is 1.*32768'
    ):
        front_end(waveform)


@each
def test_sound_that_overshoots_a_little_passes(front_end):
    front_end(torch.full((LENGTH,), 1.5))


def test_a_device_is_not_waited_for():
    check_scale(torch.full((3,), 1e4, device='meta'))
    with pytest.raises(ValueError, match='int16'):
        check_scale(torch.zeros(3, dtype=torch.int16, device='meta'))

import numpy as np
import pytest
import torch

from mmavs.registry import TRANSFORMS


def build(kind, **settings):
    return TRANSFORMS.build(dict(type=kind, **settings))


def clip(name='one', path='sounds/dog/one.wav') -> dict:
    wave = torch.linspace(-0.2, 0.2, 1600)
    return dict(
        waveform=wave,
        sample_rate=16000,
        audio_key='k',
        audio_path=path,
        clip_id=name,
    )


def test_mute_drops_the_cache_key():
    results = build('MuteAudio')(clip())
    assert results['waveform'].abs().max() == 0
    assert 'audio_key' not in results


def test_nothing_changes_at_probability_zero():
    results = build('MuteAudio', prob=0.0)(clip())
    assert torch.equal(results['waveform'], clip()['waveform'])
    assert results['audio_key'] == 'k'


def test_probability_is_a_share_of_clips():
    np.random.seed(0)
    mute = build('MuteAudio', prob=0.3)
    muted = [bool((mute(clip())['waveform'] == 0).all()) for _ in range(300)]
    assert 60 <= sum(muted) <= 120


@pytest.mark.parametrize(
    'kind, settings',
    [
        ('AddNoise', dict(snr_db=(0, 20))),
        ('ShiftAudio', dict()),
        ('MuteAudio', dict(prob=0.5)),
    ],
)
def test_runs_repeat_by_seed(kind, settings):
    transform = build(kind, **settings)

    def run(seed):
        np.random.seed(seed)
        waves = [transform(clip())['waveform'] for _ in range(8)]
        return torch.stack(waves)

    assert torch.equal(run(0), run(0)) and not torch.equal(run(0), run(1))
    assert not torch.equal(run(0)[:1].expand(8, -1), run(0))  # drawn anew


def test_a_seeded_change_follows_the_clip_alone():
    transform = build('AddNoise', snr_db=(0, 20), seed=5)
    first = transform(clip('a'))['waveform']
    np.random.seed(3)
    other = transform(clip('b'))['waveform']
    again = transform(clip('a'))['waveform']
    assert torch.equal(first, again) and not torch.equal(first, other)
    reseeded = build('AddNoise', snr_db=(0, 20), seed=6)(clip('a'))
    assert not torch.equal(reseeded['waveform'], first)


def test_shift_stays_within_the_second():
    shift = build('ShiftAudio', shift_ms=10.0)
    before = clip()['waveform']
    after = shift(clip())['waveform']
    assert torch.equal(after[160:], before[:-160])
    assert after[:160].abs().max() == 0
    with pytest.raises(ValueError, match='500 ms.*960.*break_pairing'):
        build('ShiftAudio', shift_ms=(-500, 0))
    late = build('ShiftAudio', shift_ms=1000, break_pairing=True)
    assert late(clip())['waveform'].abs().max() == 0


def test_mistakes_are_named():
    with pytest.raises(ValueError, match='0..1, got 2'):
        build('MuteAudio', prob=2)
    with pytest.raises(ValueError, match='color'):
        build('AddNoise', snr_db=0, color='brown')
    with pytest.raises(ValueError, match='snr_db is a number'):
        build('AddNoise', snr_db=(20, 0))
    with pytest.raises(ValueError, match='after LoadAudio.*before VGGish'):
        build('MuteAudio')(dict(audio=torch.zeros(1)))


def test_changed_sound_does_not_enter_the_cache(tmp_path):
    log_mel = build('VGGishLogMel', cache_dir=str(tmp_path))
    results = dict(clip(), waveform=torch.randn(80000) * 0.1)
    results['frames'] = [{}] * 5
    changed = log_mel(build('MuteAudio')(dict(results)))['audio']
    assert not list(tmp_path.rglob('*.npy'))
    assert abs(float(changed.max()) + 4.605) < 0.01
    kept = log_mel(build('MuteAudio', prob=0.0)(dict(results)))['audio']
    assert len(list(tmp_path.rglob('*.npy'))) == 1
    assert kept.max() > 0

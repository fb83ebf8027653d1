"""The command line of prepare_avsbench.py."""

import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from mmavs.audio import read_wav
from mmavs.datasets.preparation import list_jobs
from mmavs.testing import tiny_avsbench
from mmavs.testing.media import write_test_video

TOOL = (
    Path(__file__).resolve().parents[2]
    / 'tools/dataset_converters/prepare_avsbench.py'
)


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the tool; gives (exit code, output)."""

    def run(*arguments) -> tuple:
        words = [str(word) for word in arguments]
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *words])
        code = 0
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_check_says_what_it_found(call, tiny_ms3, tmp_path):
    code, text = call('ms3', tiny_ms3, '--check', '--workers', 1)
    assert code == 1 and 'of 296 whole clips' in text
    assert 'other numbers of clips than expected' in text
    code, text = call('ms3', tiny_ms3, '--check', '--workers', 1, '--expect')
    assert code == 0 and 'passed' in text and '64 x 64' in text
    root = shutil.copytree(tiny_ms3, tmp_path / 'copy')
    wav = next((root / 'ms3_data/audio_wav').rglob('*.wav'))
    wav.write_bytes(b'')
    code, text = call('ms3', root, '--check', '--workers', 1, '--expect')
    assert code == 1 and f'{wav} is empty' in text


def test_clips_that_start_late_are_shorter_as_released(call, tmp_path):
    """Of second 6 on, ten seconds of video leave four."""
    made = tiny_avsbench(tmp_path / 'made', 's4', dict(train=2), video=True)
    root = shutil.copytree(made, tmp_path / 'root')
    csv = root / 's4_meta_data.csv'
    header, first, second = csv.read_text().split()
    late = second.split(',')
    assert header.split(',')[1] == 'start'
    late[1] = '6'
    csv.write_text('\n'.join([header, first, ','.join(late)]))
    for job in list_jobs('s4', root):
        shutil.rmtree(job.folder)
        job.audio.unlink()
    assert [job.seconds for job in list_jobs('s4', root)] == [5, 4]
    write_test_video(
        list_jobs('s4', root)[1].video,
        np.zeros((40, 64, 64, 3), np.uint8),
        sound=np.sin(np.arange(64000))[None] / 2,
    )
    words = '--workers', 1, '--log-mel-cache', 'none', '--size', 64, 64
    code, text = call('s4', root, *words)
    assert code == 0 and '2 clips made' in text
    assert text.count('1 clips start after second 5 of ten') == 1
    whole, job = list_jobs('s4', root)
    assert all(path.exists() for path in (*whole.frames, *job.frames[:4]))
    assert read_wav(job.audio)[0].shape == (1, 64000)
    code, text = call('s4', root, '--check', '--workers', 1, '--expect')
    assert text.splitlines()[1:3] == [
        f'{job.frames[4]}: missing',
        f'{job.audio}: 4.00 s of sound for 5 frames',
    ]
    assert code == 1 and 's4 train: 1 whole clips' in text
    late[1] = '10'
    csv.write_text('\n'.join([header, ','.join(late)]))
    code, text = call('s4', root, *words)
    assert code == 2 and "csv, line 2: start is '10', not a second" in text


def test_failed_clips_end_in_exit_code_1(call, tiny_ms3, tmp_path):
    code, text = call('ms3', tiny_ms3, '--out', tmp_path, '--workers', 1)
    assert (
        code == 1 and 'media file not found' in text and '0 clips made' in text
    )


def test_mistakes_are_one_line(call, tmp_path):
    code, text = call('ms3', tmp_path)
    assert code == 2 and text.count('\n') == 1
    assert text.startswith(
        'prepare_avsbench.py: error: list of clips not found'
    )

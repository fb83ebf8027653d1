"""The command line of prepare_avsbench.py."""

import runpy
import shutil
import sys
from pathlib import Path

import pytest

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

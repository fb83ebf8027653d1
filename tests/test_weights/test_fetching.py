"""Files from the net: broken off, changed, refused, a page in their place."""

import hashlib
import os
import sys
import threading

import numpy as np
import pytest

from mmavs.files.fetching import TRIES, fetch, sha256

BODY = np.random.default_rng(0).bytes(300_000)
QUOTA = (
    b'<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title>'
    b'</head>\n<body><p class="uc-error-subcaption">Too many users have '
    b'viewed this file.</p></body></html>'
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'folder' / 'w.pth'


def test_a_file_arrives_whole_and_alone(files, path):
    files.bodies['/w.pth'] = BODY
    fetch(f'{files.address}/w.pth', path, progress=False)
    assert path.read_bytes() == BODY
    assert sha256(path) == hashlib.sha256(BODY).hexdigest()
    assert sorted(p.name for p in path.parent.iterdir()) == [
        '.w.pth.lock',
        'w.pth',
    ]
    # what is there stays, without a request
    fetch(f'{files.address}/w.pth', path, progress=False)
    assert len(files.requests) == 1


def test_what_breaks_off_is_gone_on_with(files, path):
    files.bodies['/w.pth'] = BODY
    files.breaks['/w.pth'] = [100_000, 250_000]
    fetch(f'{files.address}/w.pth', path, progress=False)
    assert path.read_bytes() == BODY
    ranges = [ranged for _, ranged in files.requests]
    assert ranges == ['', 'bytes=100000-', 'bytes=250000-']


def test_the_next_call_goes_on_too(files, path):
    files.bodies['/w.pth'] = BODY
    files.breaks['/w.pth'] = [70_000] * TRIES
    with pytest.raises(RuntimeError, match='off at 70000 of 300000.*Fix'):
        fetch(f'{files.address}/w.pth', path, progress=False)
    assert not path.exists() and len(files.requests) == TRIES
    fetch(f'{files.address}/w.pth', path, progress=False)
    assert path.read_bytes() == BODY
    assert files.requests[-1][1] == 'bytes=70000-'


def test_parts_of_two_contents_are_never_joined(files, path):
    files.bodies['/w.pth'] = BODY
    files.breaks['/w.pth'] = [70_000] * TRIES
    with pytest.raises(RuntimeError, match='broke off'):
        fetch(f'{files.address}/w.pth', path, progress=False)
    files.bodies['/w.pth'], files.tag['/w.pth'] = BODY[::-1], '"two"'
    fetch(f'{files.address}/w.pth', path, progress=False)
    assert path.read_bytes() == BODY[::-1]


@pytest.mark.parametrize('code, times', [(403, 1), (404, 1), (503, TRIES)])
def test_a_refusal_is_said(files, path, code, times):
    files.status['/w.pth'] = code
    with pytest.raises(RuntimeError, match=f'w.pth cannot .*{code}.*Fix: che'):
        fetch(f'{files.address}/w.pth', path, progress=False)
    assert len(files.requests) == times and not path.exists()


def test_what_is_not_an_address_is_said(path):
    with pytest.raises(RuntimeError, match='nowhere cannot be downloaded'):
        fetch('nowhere', path, progress=False)


def test_a_page_is_not_taken_for_a_file(files, path):
    files.bodies['/w.pth'] = QUOTA
    with pytest.raises(
        RuntimeError,
        match=r'a page in place of the file \("Google Drive - Quota '
        r'exceeded"\)\. Fix: open the address in a browser',
    ):
        fetch(f'{files.address}/w.pth', path, progress=False)
    assert [p.name for p in path.parent.iterdir()] == ['.w.pth.lock']


def test_another_hash_is_refused(files, path):
    files.bodies['/w.pth'] = BODY
    digits = hashlib.sha256(BODY).hexdigest()
    with pytest.raises(
        RuntimeError, match=f'begins with {digits[:8]} and not with 00000000'
    ):
        fetch(f'{files.address}/w.pth', path, '0' * 8, progress=False)
    assert not path.exists()
    fetch(f'{files.address}/w.pth', path, digits[:8], progress=False)


def test_several_ask_and_one_fetches(files, path):
    files.bodies['/w.pth'] = BODY
    threads = [
        threading.Thread(
            target=fetch, args=(f'{files.address}/w.pth', path, '', False)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == BODY and len(files.requests) == 1


# ------------------------------------------------------------- Google Drive

DRIVE = 'https://drive.google.com/uc?id=abc'


BUTTON = (
    b'<html><form id="download-form" method="get" '
    b'action="https://drive.usercontent.google.com/download">'
    b'<input type="hidden" name="id" value="abc"></form></html>'
)


@pytest.fixture
def file_of_drive(drive):
    drive.bodies['/download'] = BODY
    return drive


def test_a_file_of_drive_lies_behind_a_page(file_of_drive, path):
    drive = file_of_drive
    drive.bodies['/uc'] = BUTTON
    fetch(DRIVE, path, progress=False)
    assert path.read_bytes() == BODY
    assert [asked for asked, _ in drive.requests] == ['/uc', '/download']


FOLDER = 'https://drive.google.com/drive/folders/f#*pvt*|*swin*'
ENTRY = (
    '<a href="https://drive.google.com/file/d/{}/view">'
    '<div class="flip-entry-title">{}</div></a>'
)


@pytest.mark.parametrize('named', ['AVSS_PVT_best.pth', 'swin.pth'])
def test_a_file_is_found_in_a_folder_of_drive(file_of_drive, path, named):
    drive, numbers = file_of_drive, ('a' * 25, 'b' * 25)
    entries = map(ENTRY.format, numbers, ('AVSS_r50.pth', named))
    page = '<html><title>all</title>' + ''.join(entries) + '</html>'
    drive.bodies['/embeddedfolderview'] = page.encode()
    drive.bodies['/uc'] = BUTTON
    fetch(FOLDER, path, progress=False)
    assert path.read_bytes() == BODY
    asked = [whole for whole in drive.addresses if whole.startswith('/uc')]
    assert len(asked) == 1 and f'id={numbers[1]}' in asked[0]


@pytest.mark.parametrize(
    'names, said',
    [
        (['r50.pth'], 'holds r50.pth: 0 of them are named like'),
        (['pvt_a', 'pvt_b'], 'holds pvt_a, pvt_b: 2 of them are named like'),
    ],
)
def test_a_folder_that_does_not_tell_which(drive, path, names, said):
    entries = ''.join(ENTRY.format('a' * 25, name) for name in names)
    page = f'<html><title>all</title>{entries}</html>'
    drive.bodies['/embeddedfolderview'] = page.encode()
    with pytest.raises(RuntimeError, match=f'{said}.*Fix: download the righ'):
        fetch(FOLDER, path, progress=False)
    drive.bodies.clear()
    with pytest.raises(RuntimeError, match='pvt.* cannot be downloaded.*Fix'):
        fetch(FOLDER, path, progress=False)
    assert not path.exists()


def test_quota_of_drive(drive, path):
    drive.bodies['/uc'] = QUOTA
    with pytest.raises(
        RuntimeError, match='id=abc .*Too many users have viewed.*Fix: '
    ):
        fetch(DRIVE, path, progress=False)
    assert not path.exists()


# ------------------------------------------------------------------ the hub


@pytest.fixture
def hub(files, monkeypatch):
    pytest.importorskip('huggingface_hub')
    monkeypatch.setenv('HF_ENDPOINT', files.address)
    commit = '1' * 40
    files.extra = lambda path: {'X-Repo-Commit': commit}
    files.bodies['/owner/name/resolve/main/a/w.pth'] = BODY
    return files


HUB = 'https://huggingface.co/owner/name/resolve/main/a/w.pth'


def test_a_file_of_the_hub(hub, path, capfd):
    fetch(HUB, path, progress=False)
    assert path.read_bytes() == BODY
    assert [p.name for p in path.parent.iterdir() if p.is_dir()] == []


def test_a_file_that_the_hub_lacks(hub, path):
    hub.bodies.clear()
    with pytest.raises(RuntimeError, match='w.pth cannot be downloaded.*Fix'):
        fetch(HUB, path, progress=False)


def test_libraries_come_only_where_they_are_used(files, path, monkeypatch):
    for name in ('gdown', 'huggingface_hub'):
        monkeypatch.setitem(sys.modules, name, None)
    files.bodies['/w.pth'] = BODY
    fetch(f'{files.address}/w.pth', path, progress=False)
    os.unlink(path)
    with pytest.raises(ImportError, match='by gdown, .*Fix: pip install gdo'):
        fetch(DRIVE, path)
    with pytest.raises(ImportError, match='pip install huggingface_hub'):
        fetch(HUB, path)

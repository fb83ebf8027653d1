"""The page in a real browser (headless Chromium): ``make test-page``."""

import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from mmavs.web.jobs import Jobs, Limits, Step
from mmavs.web.page import build_page
from mmavs.web.visits import Visits

pytestmark = pytest.mark.slow
NAMES = ('chromium', 'chromium-browser', 'google-chrome')
MODEL = 'film_tiny_ms3'


@pytest.fixture(scope='module')
def server(tmp_path_factory, film_weights, videos):
    """A running page: its address, and the folder of its files."""
    pytest.importorskip('gradio', reason='gradio is not installed')
    folder = tmp_path_factory.mktemp('served')
    before = os.environ.get('GRADIO_TEMP_DIR')
    os.environ['GRADIO_TEMP_DIR'] = str(folder)
    limits = Limits(seconds=60)
    jobs = Jobs({MODEL: str(film_weights)}, 'cpu', limits, [videos[3]])
    page = build_page(jobs, Visits(folder))
    page.queue(max_size=2, default_concurrency_limit=1)
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True)
    yield address, folder, jobs
    page.close()
    if before is None:
        del os.environ['GRADIO_TEMP_DIR']


@pytest.fixture(scope='module')
def browser():
    api = pytest.importorskip(
        'playwright.sync_api', reason='playwright is not installed'
    )
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f'no browser is installed (looked for {NAMES})')
    with api.sync_playwright() as play:
        chromium = play.chromium.launch(
            executable_path=path, args=['--no-sandbox']
        )
        yield chromium
        chromium.close()


@pytest.fixture
def tab(server, browser):
    page = browser.new_page(viewport=dict(width=1300, height=900))
    page.goto(server[0])
    page.get_by_role('button', name='Segment').wait_for(timeout=60_000)
    yield page
    page.close()


def upload(tab, video):
    tab.set_input_files('input[type=file] >> nth=0', str(video))
    tab.locator('video').first.wait_for(timeout=30_000)


def says(tab, text):
    status = tab.get_by_role('status').filter(has_text=text)
    status.wait_for(timeout=60_000)
    return status.inner_text()


def results(folder):
    """Names of what jobs wrote; folders may go meanwhile."""
    found = [name for _, _, names in os.walk(folder) for name in names]
    return sorted(name for name in found if '_own' in name)


def wait_until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    assert true()


def test_sounds_stand_side_by_side(tab, server, videos, tmp_path):
    upload(tab, videos[2])
    tab.get_by_role('button', name='Segment').click()
    says(tab, 'Done.')
    for word, there in (('own', True), ('mute', True), ('noise', False)):
        shown = tab.locator(f'#overlay-{word} video')
        if there:
            shown.wait_for(timeout=10_000)
            tab.wait_for_function(
                'v => v.videoWidth', arg=shown.element_handle()
            )
            assert shown.evaluate('v => [v.videoWidth, v.videoHeight]') == [
                56,
                40,
            ]
        else:
            assert not shown.count()
    assert tab.get_by_text('1 to 2').count()
    for name, suffix in (
        ('Overlay', '.mp4'),
        ('Masks', '.zip'),
        ('JSON', '.json'),
    ):
        with tab.expect_download() as download:
            tab.get_by_role('button', name=name, exact=True).first.click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.name.startswith('v2_own') and path.suffix == suffix
        assert path.stat().st_size > 100
    assert len(json.loads(path.read_text())['masks']) == 2
    assert len(results(server[1])) == 3
    tab.close()
    wait_until(lambda: not results(server[1]))


def test_an_example_is_one_click(tab):
    tab.get_by_role('button', name='v3.mp4').or_(
        tab.locator('.gallery-item, .gallery button, table tr').first
    ).first.click()
    tab.locator('video').first.wait_for(timeout=30_000)
    tab.get_by_role('button', name='Segment').click()
    says(tab, 'Done.')
    tab.get_by_text('2 to 3').first.wait_for(timeout=10_000)


def test_progress_is_true_and_cancel_ends_the_job(tab, server, videos):
    upload(tab, videos[40])
    tab.get_by_role('button', name='Segment').click()
    text = says(tab, 'own: second')
    assert text.strip().startswith('own: second') and 'of 40' in text
    tab.get_by_role('button', name='Cancel').click()
    says(tab, 'Cancelled.')
    # the next one need not wait for what was cancelled
    wait_until(lambda: not results(server[1]))


def test_a_closed_tab_ends_its_job(tab, server, videos):
    upload(tab, videos[40])
    tab.get_by_role('button', name='Segment').click()
    says(tab, 'own: second')
    wait_until(lambda: results(server[1]))
    tab.close()
    wait_until(lambda: not results(server[1]))


def test_errors_are_words_for_the_visitor(tab, tmp_path):
    tab.get_by_role('button', name='Segment').click()
    toast = tab.get_by_test_id('toast-body')
    toast.wait_for(timeout=30_000)
    assert 'upload a video first' in toast.inner_text()
    says(tab, 'Failed.')
    assert '/' not in toast.inner_text()


def test_jobs_wait_and_no_more_than_said(
    tab, server, browser, videos, monkeypatch
):
    """One runs, two wait, and the fourth is told."""
    held = threading.Event()

    def work(wish, folder, stop, say):
        say(Step('own', 0.0, 0.0, 2.0))
        held.wait(60)

    monkeypatch.setattr(server[2], '_work', work)
    tabs = [tab]
    for _ in range(3):
        tabs.append(browser.new_page())
        tabs[-1].goto(server[0])
        tabs[-1].get_by_role('button', name='Segment').wait_for()
    for place, page in enumerate(tabs):
        page.get_by_role('button', name='Segment').click()
        if place == 0:
            says(page, 'own: second 0 of 2')
        elif place < 3:
            says(page, 'Waiting for its turn')
    toast = tabs[3].get_by_test_id('toast-body')
    toast.wait_for(timeout=30_000)
    assert 'busy' in toast.inner_text()
    says(tabs[3], 'up to 8 wait')
    held.set()
    for page in tabs[:3]:
        says(page, 'Done.')
    for page in tabs[1:]:
        page.close()


def test_nothing_but_the_folder_is_served(server):
    from urllib.error import HTTPError
    from urllib.request import urlopen

    secret = Path(__file__)
    with pytest.raises(HTTPError) as caught:
        urlopen(f'{server[0]}gradio_api/file={secret}')
    assert caught.value.code in (403, 404)

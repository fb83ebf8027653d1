"""The page: what visitors see and press."""

import logging
from html import escape
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

from mmengine.logging import print_log

from mmavs.audio.sounds import SOUNDS

from .jobs import OFFERED, Jobs, Result, Step, Stopped, Wish
from .messages import UNKNOWN, page_message
from .visits import Visits

_KEPT = 3600  # seconds; what was uploaded
_HOW = (
    'A model that listens paints what sounds, and nothing when it hears '
    'silence or noise. Try it under several sounds, side by side.'
)


def import_gradio():
    """Import gradio, or say how to get it."""
    try:
        import gradio
    except ImportError as error:
        raise ImportError(
            f'the web demo needs gradio ({error}). Fix: pip install '
            '"gradio>=5".'
        ) from None
    return gradio


def build_page(jobs: Jobs, visits: Visits):
    """Lay the page out.

    Args:
        jobs (Jobs): Does the work.
        visits (Visits): Keeps results until their visitor goes.

    Returns:
        gradio.Blocks: Not launched yet.
    """
    gradio = import_gradio()
    names = list(jobs.weights)
    with gradio.Blocks(
        title='mmavs', delete_cache=(_KEPT, _KEPT), analytics_enabled=False
    ) as page:
        gradio.Markdown(f'# What sounds in this video?\n{_HOW}')
        with gradio.Row():
            with gradio.Column(scale=1, min_width=320):
                wishes = _wishes(gradio, names, jobs)
                with gradio.Row():
                    start = gradio.Button('Segment', variant='primary')
                    cancel = gradio.Button('Cancel', variant='stop')
                gradio.Markdown(str(jobs.limits))
            with gradio.Column(scale=2):
                status = gradio.HTML(_bar('Nothing yet.', 0), label='Progress')
                results = _results(gradio)
                table = gradio.Dataframe(
                    label='What is painted in each second',
                    interactive=False,
                    wrap=True,
                    visible=False,
                )
        outputs = [status, table, *(part for r in results for part in r)]
        work = _Work(gradio, jobs, visits)
        quiet = dict(show_progress='hidden')
        waiting = start.click(
            lambda: _bar('Waiting for its turn ...', 0),
            None,
            status,
            queue=False,
            **quiet,
        )
        running = waiting.then(work.segment, wishes, outputs, **quiet)
        running.failure(
            lambda: _bar(f'Failed. {jobs.limits}', 0),
            None,
            status,
            queue=False,
            **quiet,
        )
        cancel.click(work.cancel, None, status, cancels=[running], **quiet)
        page.unload(work.leave)
    return page


def _wishes(gradio, names: Sequence[str], jobs: Jobs) -> list:
    """The left column: what a visitor asks for."""
    video = gradio.Video(label='Video', sources=['upload'])
    if jobs.examples:
        gradio.Examples(
            [[path] for path in jobs.examples], [video], label='Examples'
        )
    model = gradio.Dropdown(names, value=names[0], label='Model')
    sounds = gradio.CheckboxGroup(
        [(f'{word}: {SOUNDS[word]}', word) for word in OFFERED],
        value=['own', 'mute'],
        label='What the model hears',
    )
    other = gradio.File(
        label='Sound or video for swap (else an example)',
        file_types=['audio', 'video'],
        height=140,
    )
    fps = gradio.Slider(1, 6, value=1, step=1, label='Masks per second')
    return [video, model, sounds, other, fps]


def _results(gradio) -> List[list]:
    """A column for each sound, hidden until it is there."""
    columns = []
    with gradio.Row():
        for word in OFFERED:
            with gradio.Column(visible=False, min_width=240) as column:
                gradio.Markdown(f'**{word}**: {SOUNDS[word]}')
                overlay = gradio.Video(
                    label=word,
                    show_label=False,
                    interactive=False,
                    elem_id=f'overlay-{word}',
                )
                files = [
                    gradio.DownloadButton(name, size='sm')
                    for name in ('Overlay', 'Masks', 'JSON')
                ]
            columns.append([column, overlay, *files])
    return columns


class _Work:
    """What the page's buttons do.

    Args:
        gradio (module): For its updates and errors.
        jobs (Jobs): Does the work.
        visits (Visits): By the name of the session.
    """

    def __init__(self, gradio, jobs: Jobs, visits: Visits) -> None:
        self.gradio, self.jobs, self.visits = gradio, jobs, visits
        # annotations by which gradio hands the request in
        for method in (_Work.segment, _Work.cancel, _Work.leave):
            method.__annotations__['request'] = gradio.Request

    def segment(
        self, video, model, sounds, other, fps, request
    ) -> Iterator[tuple]:
        """Run a job, and show what there is of it."""
        wish = Wish(video, model, sounds, other, int(fps))
        folder, stop = self.visits.of(request.session_hash).begin()
        found: List[Result] = []
        yield self._show(_bar('Reading the video ...', 0), found)
        try:
            for item in self.jobs.run(wish, folder, stop):
                if isinstance(item, Step):
                    yield self._show(_told(item), None)
                else:
                    found.append(item)
                    yield self._show(_bar(f'{item.sound} is done.', 1), found)
        except Stopped:
            yield self._show(_bar('Cancelled.', 0), None)
            return
        except Exception as error:
            message = page_message(error)
            if message == UNKNOWN:
                print_log(
                    'a job of the page failed',
                    logger='current',
                    level=logging.ERROR,
                )
                logging.getLogger(__name__).exception('a job failed')
            yield self._show(_bar('Failed.', 0), None)
            raise self.gradio.Error(message, print_exception=False) from None
        yield self._show(_bar(_missing(found) or 'Done.', 1), found)

    def cancel(self, request) -> str:
        """End the visitor's job."""
        self.visits.of(request.session_hash).stop.set()
        return _bar('Cancelled.', 0)

    def leave(self, request) -> None:
        """End the job of a visitor who closed the tab; delete results."""
        self.visits.leave(request.session_hash)

    def _show(self, status: str, found) -> tuple:
        """Give every output, in order; None leaves results as they are."""
        skip = self.gradio.skip
        if found is None:
            return (status, *(skip() for _ in range(1 + 5 * len(OFFERED))))
        by_word = {result.sound: result for result in found}
        headers, rows = _table(found)
        table = self.gradio.Dataframe(
            dict(headers=headers, data=rows), visible=bool(rows)
        )
        updates: list = [status, table]
        for word in OFFERED:
            result = by_word.get(word)
            updates.append(self.gradio.Column(visible=result is not None))
            if result is None:
                updates += [None] * 4
            else:
                files = result.overlay, result.masks, result.summary
                updates += [str(result.overlay), *map(str, files)]
        return tuple(updates)


def _bar(text: str, share: float) -> str:
    return (
        f'<div role="status">{escape(text)}<br><progress value="{share:.3f}" '
        'max="1" style="width: 100%; accent-color: var(--color-accent)">'
        '</progress></div>'
    )


def _told(step: Step) -> str:
    text = (
        f'{step.sound}: second {step.second:.0f} of {step.seconds:.0f} '
        f'({100 * step.share:.0f} %)'
    )
    return _bar(text, step.share)


def _missing(found: Sequence[Result]) -> str:
    """Say what a file that is cut off lacks."""
    parts = {
        f'no {part["what"]} from {part["start"]:g} to {part["end"]:g} s: the '
        'file is cut off'
        for result in found
        for part in result.missing
    }
    return '; '.join(sorted(parts))


def _table(found: Sequence[Result]) -> Tuple[List[str], List[list]]:
    """Set the sounds side by side, mask by mask: headers and rows."""
    rows = [
        [f'{masks[0]["start"]:g} to {masks[0]["end"]:g}', *map(_named, masks)]
        for masks in zip(*(result.masks_found for result in found))
    ]
    return ['seconds', *(result.sound for result in found)], rows


def _named(row: dict) -> str:
    """Name what sounds in a mask, with its share of the picture."""
    parts = [
        f'{found["name"]} {100 * found["area"]:.1f} %'
        for found in row['objects']
        if found['sounding']
    ]
    return ', '.join(parts) or 'nothing'


def examples_of(root: Path) -> List[Path]:
    """List the clips that are part of the package."""
    return sorted((root / 'demo').glob('example*.mp4'))

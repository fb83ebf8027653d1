"""What the server keeps of each visitor, until the visitor goes."""

import shutil
import tempfile
import threading
from pathlib import Path
from typing import Dict, Tuple


class Visit:
    """One open tab.

    Attributes:
        folder (Path): Takes its results; those of a new job only.
        stop (threading.Event): Set when its job is to end.
    """

    def __init__(self, root: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=root))
        self.stop = threading.Event()

    def begin(self) -> Tuple[Path, threading.Event]:
        """Make room for a job; an earlier one is told to end.

        Returns:
            tuple: The new job's folder, and its own ``stop``.
        """
        self.stop.set()
        self.stop = threading.Event()
        for path in self.folder.iterdir():
            shutil.rmtree(path, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self.folder)), self.stop

    def end(self) -> None:
        """End its job, and delete its results."""
        self.stop.set()
        shutil.rmtree(self.folder, ignore_errors=True)


class Visits:
    """All open tabs, by the name of their session.

    Args:
        root (Path): Takes their folders.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._visits: Dict[str, Visit] = {}
        self._lock = threading.Lock()

    def of(self, session: str) -> Visit:
        """Give a visit, a new one at the first call."""
        with self._lock:
            if session not in self._visits:
                self._visits[session] = Visit(self.root)
            return self._visits[session]

    def leave(self, session: str) -> None:
        """End a visit; nothing if it was none."""
        with self._lock:
            visit = self._visits.pop(session, None)
        if visit is not None:
            visit.end()

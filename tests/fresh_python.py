"""Code in an interpreter of its own."""

import os
import socket
import subprocess
import sys


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, '-c', code],
        env=dict(os.environ, **environment),
        capture_output=True,
        text=True,
        timeout=300,
    )


def free_port() -> str:
    """Find a port of one run alone, so that none meets another's ranks."""
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return str(found.getsockname()[1])

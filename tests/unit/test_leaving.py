"""Leaving a screen while a search is under way."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

_SCRIPT = """
import threading, time
from rnnscope.commands.reading import leave_at_once
from rnnscope.jobs import Jobs
jobs, begun = Jobs(), threading.Event()
jobs.submit("search", lambda progress: (begun.set(), time.sleep({seconds})))
begun.wait()
leave_at_once(3, jobs)
print("left as usual")
"""


@pytest.mark.parametrize(("seconds", "is_usual"), [(0.0, True), (60.0, False)])
def test_a_search_that_cannot_be_stopped_does_not_hold_the_process(seconds: float, is_usual: bool) -> None:
    started = time.perf_counter()
    script = _SCRIPT.format(seconds=seconds)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert time.perf_counter() - started < 20
    assert ended.returncode == (0 if is_usual else 3)
    assert ("left as usual" in ended.stdout) is is_usual

"""The screen of a command, before it is shown: `opened(options)` of the commands that have one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rnnscope.config import load_config
from rnnscope.progress import NO_PROGRESS, Progress

if TYPE_CHECKING:
    from pathlib import Path

    from rnnscope.app.app import AutoPilot, MainScreen
    from rnnscope.theme.colors import ThemeChoice

T = TypeVar("T")


def _nothing(*arguments: Any) -> None:
    pass


@dataclass(frozen=True)
class Opened:
    """A screen that has checked its arguments and not begun its work."""

    screen: MainScreen
    prepare: Callable[[Progress], object] = _nothing
    """Computes ahead, in a worker thread, what the screen shows first. Raises RnnscopeError, Cancelled."""

    def show(
        self,
        theme: ThemeChoice,
        record: Path | None = None,
        pilot: AutoPilot | None = None,
        *,
        large: bool = False,
    ) -> int:
        """Run the screen until the user quits; returns the exit status."""
        from rnnscope.app.app import RnnscopeApp, show

        app = RnnscopeApp(self.screen, theme=theme, config=load_config())
        if large:
            self.screen.stage.open_large()
        return show(app, pilot, record=record)


class Once(Generic[T]):
    """A computation that is done once, whoever asks first; the others wait."""

    def __init__(self, compute: Callable[[Progress], T]) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._found: list[T] = []

    def __call__(self, progress: Progress = NO_PROGRESS) -> T:
        """The result. Raises what the computation raises, and Cancelled."""
        while not self._lock.acquire(timeout=0.1):
            progress.check()
        try:
            if not self._found:
                self._found.append(self._compute(progress))
            return self._found[0]
        finally:
            self._lock.release()

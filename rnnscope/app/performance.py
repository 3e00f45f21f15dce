"""A talk on stage: it turns from scene to scene, prepares the next one, and tells the notes where it is.

    next key ──▶ turned ──▶ the screen of the scene ──▶ entered ──▶ prepare the next scene, in a worker thread
                                                              └───▶ position file ◀── present --notes

A scene that was shown keeps its state: coming back to it finds it as it was left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnscope.files import write_json
from rnnscope.jobs import Jobs
from rnnscope.progress import Progress
from rnnscope.strict_json import JsonError, decode, read_json
from rnnscope.talk import Scene, Talk

if TYPE_CHECKING:
    from rnnscope.app.app import MainScreen

Make = Callable[[Scene], "tuple[MainScreen, Callable[[Progress], object]]"]
"""Makes the screen of a scene, and what computes ahead what it shows first."""

_LARGEST_BYTES = 1 << 12


@dataclass(frozen=True)
class Position:
    """Where a talk is: the number of the scene, from 0, and the times at which talk and scene began."""

    scene: int
    began: float
    scene_began: float
    has_ended: bool = False


class PlayedTalk:
    """The scenes of a talk and their screens."""

    def __init__(
        self,
        talk: Talk,
        make: Make,
        *,
        start: int = 0,
        position_file: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """start: the number of the first scene that is shown, from 0. position_file: for `--notes`."""
        self._talk = talk
        self._make = make
        self._position_file = position_file
        self._clock = clock
        self._began = clock()
        self._at = start
        self._screens: dict[int, MainScreen] = {}
        self._prepares: dict[int, Callable[[Progress], object]] = {}
        self._arranged: list[MainScreen] = []
        self._jobs = Jobs()

    @property
    def has_clicker(self) -> bool:
        return self._talk.clicker

    @property
    def first(self) -> MainScreen:
        """The screen of the scene that is shown first."""
        return self._screen(self._at)

    def turned(self, by: int) -> MainScreen | None:
        at = self._at + by
        if not 0 <= at < len(self._talk.scenes):
            end = "the last scene; q quits" if by > 0 else "the first scene"
            self._screen(self._at).scope.announce(f"this is {end}")
            return None
        self._at = at
        return self._screen(at)

    def entered(self, screen: MainScreen) -> None:
        scene = self._talk.scenes[self._at]
        if screen not in self._arranged:
            self._arranged.append(screen)
            _arrange(screen, scene)
        screen.scope.announce(f"{self._at + 1}/{len(self._talk.scenes)}  {scene.name}")
        self._tell()
        if self._at + 1 < len(self._talk.scenes):
            self._screen(self._at + 1)
            self._jobs.submit("prepare", self._prepares[self._at + 1], lane="background")

    def end(self) -> None:
        """Stop preparing, and tell the notes that the talk has ended."""
        self._jobs.close()
        self._tell(has_ended=True)

    def _screen(self, at: int) -> MainScreen:
        if at not in self._screens:
            self._screens[at], self._prepares[at] = self._make(self._talk.scenes[at])
        return self._screens[at]

    def _tell(self, *, has_ended: bool = False) -> None:
        if self._position_file is None:
            return
        now = self._clock()
        try:
            self._position_file.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._position_file, asdict(Position(self._at, self._began, now, has_ended)))
        except OSError as error:
            self._screen(self._at).scope.announce(f"{self._position_file}: {error.strerror}", "warning")
            self._position_file = None  # the notes stay where they are


def read_position(path: Path) -> Position | None:
    """Where a talk is; None before it began, and if the file is damaged."""
    try:
        return decode(Position, read_json(path, max_bytes=_LARGEST_BYTES))
    except (OSError, JsonError):
        return None


def _arrange(screen: MainScreen, scene: Scene) -> None:
    """The layout and the panel that a scene shows."""
    if scene.layout:
        screen.stage.show_layout(scene.layout)
    if scene.zoom:
        screen.stage.zoom(scene.zoom)
    if scene.present:
        screen.stage.action_present()

"""`rnnscope watch`: runs that other processes write or have written, one on the train screen, or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from rnnscope.commands.opened import Opened
from rnnscope.commands.reading import has_screen, read_on_screen, read_plainly
from rnnscope.errors import OptionError
from rnnscope.theme.colors import ThemeChoice
from rnnscope.training.controls import Controls, ControlState

if TYPE_CHECKING:
    from rnnscope.training.events import Event, OnEvent

EXAMPLES = (
    "rnnscope watch runs/NAME                the screen of a running or finished run",
    "rnnscope watch runs                     the curves of all runs in a directory",
    "rnnscope watch runs/NAME --json | head   its events, for another program",
)


@dataclass(frozen=True)
class Options:
    """Follow runs that other processes write, here or on a shared disk, or view finished ones.

    One run has the train screen; several, or a directory of runs, have a chart and a table of all.
    """

    runs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Run directories, or directories of runs."""
    plain: bool = False
    """Print a log until the run ends; no screen."""
    json: bool = False
    """Print the events of the run as JSON, one per line; no screen."""
    theme: ThemeChoice = "auto"
    """Colors of the screen; auto asks the terminal for its background."""
    large: bool = False
    """Begin with the large layout: one or two panels and double-spaced text, for a large font."""
    record: Path | None = None
    """Record the screen in this new file, as an asciicast for asciinema."""


def run(options: Options) -> int:
    paths = _paths(options)
    is_on_screen = has_screen(plain=options.plain, json=options.json)
    if _are_many(paths):
        if not is_on_screen:
            raise OptionError("several runs need a terminal; with --plain or --json name one run")
        return _watch_many(paths, options)
    _check(paths[0])
    if is_on_screen:
        return read_on_screen(
            partial(_follow, paths[0]),
            ControlState(),
            corpus=str(paths[0]),
            theme=options.theme,
            large=options.large,
            record=options.record,
            live=False,
        )

    def start_and_end(controls: Controls, on_event: OnEvent) -> None:
        """Follow the run to its end, for a log; a screen stays open."""
        from rnnscope.training.events import Finished

        def stop_at_the_end(event: Event) -> None:
            on_event(event)
            if isinstance(event, Finished):
                controls.stop()

        _follow(paths[0], controls, stop_at_the_end)

    return read_plainly(start_and_end, ControlState(), json=options.json)


def opened(options: Options) -> Opened:
    """The screen of one run, or of several. Raises RnnscopeError for arguments that do not fit."""
    from rnnscope.app.screens.runs import RunsScreen
    from rnnscope.app.screens.train import TrainScreen

    paths = _paths(options)
    if _are_many(paths):
        return Opened(RunsScreen(paths))
    _check(paths[0])
    start = partial(_follow, paths[0])
    return Opened(TrainScreen(start, corpus=str(paths[0]), live=False, state=ControlState()))


def _paths(options: Options) -> list[Path]:
    """The runs. Raises OptionError if none is given."""
    paths = [Path(name) for name in options.runs]
    if not paths:
        raise OptionError("RUNS is missing: name a run, or a directory of runs")
    return paths


def _are_many(paths: Sequence[Path]) -> bool:
    return len(paths) > 1 or _holds_runs(paths[0])


def _watch_many(paths: Sequence[Path], options: Options) -> int:
    """The screen of all runs; one that is opened there has the train screen, then all are shown again."""
    from rnnscope.app.screens.runs import RunsScreen

    screen, record = RunsScreen(paths), options.record
    while True:
        status = Opened(screen).show(options.theme, record, large=options.large)
        if screen.opened is None:
            return status
        record = None
        run(replace(options, runs=(str(screen.opened),), record=None))
        screen = RunsScreen(paths, view=screen.view, words=screen.words)


def _follow(directory: Path, controls: Controls, on_event: OnEvent) -> None:
    from rnnscope.training.follow import follow

    follow(directory, controls, on_event)


def _holds_runs(directory: Path) -> bool:
    """Whether there are runs in a directory that is no run itself."""
    from rnnscope.training.run import HEADER

    return not (directory / HEADER).exists() and any(directory.glob(f"*/{HEADER}"))


def _check(directory: Path) -> None:
    """Raise RunError for a directory that is not a run; an empty one may become a run."""
    from rnnscope.training.run import read_run

    if not directory.is_dir() or any(directory.iterdir()):
        read_run(directory)

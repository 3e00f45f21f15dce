"""`rnnscope watch`: the train screen for a run that another process is writing, or has written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from rnnscope.commands.reading import has_screen, read_on_screen, read_plainly
from rnnscope.theme.colors import ThemeChoice
from rnnscope.training.controls import Controls, ControlState

if TYPE_CHECKING:
    from rnnscope.training.events import Event, OnEvent

EXAMPLES = (
    "rnnscope watch runs/NAME                the screen of a running or finished run",
    "rnnscope watch runs/NAME --json | head   its events, for another program",
)


@dataclass(frozen=True)
class Options:
    """Follow a run that another process writes, here or on a shared disk, or view a finished one."""

    run: Annotated[str, tyro.conf.Positional]
    """The run directory."""
    plain: bool = False
    """Print a log until the run ends; no screen."""
    json: bool = False
    """Print the events of the run as JSON, one per line; no screen."""
    theme: ThemeChoice = "auto"
    """Colors of the screen; auto asks the terminal for its background."""
    record: Path | None = None
    """Record the screen in this new file, as an asciicast for asciinema."""


def run(options: Options) -> int:
    directory = Path(options.run)
    _check(directory)

    def start(controls: Controls, on_event: OnEvent) -> None:
        from rnnscope.training.follow import follow

        follow(directory, controls, on_event)

    if has_screen(plain=options.plain, json=options.json):
        return read_on_screen(
            start,
            ControlState(),
            corpus=options.run,
            theme=options.theme,
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

        start(controls, stop_at_the_end)

    return read_plainly(start_and_end, ControlState(), json=options.json)


def _check(directory: Path) -> None:
    """Raise RunError for a directory that is not a run; an empty one may become a run."""
    from rnnscope.training.run import read_run

    if not directory.is_dir() or any(directory.iterdir()):
        read_run(directory)

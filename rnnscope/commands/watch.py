"""`rnnscope watch`: the train screen for a run that another process is writing, or has written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rnnscope.commands.reading import Say, has_screen, read_plainly
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Finished


@dataclass(frozen=True)
class Options:
    """Look at a run that another process, or another machine on a shared disk, is writing or has written."""

    run: Annotated[str, tyro.conf.Positional]
    """The directory of the run."""
    plain: bool = False
    """A log in place of the screen."""
    json: bool = False
    """The events of the run as JSON, one a line, in place of the screen."""


def run(options: Options) -> int:
    from rnnscope.training.run import read_run

    directory = Path(options.run)
    if not (directory.is_dir() and not any(directory.iterdir())):  # an empty one may be about to be a run
        read_run(directory)

    if has_screen(plain=options.plain, json=options.json):
        from rnnscope.app.app import run_train_screen

        def start(controls: Controls, say: Say) -> None:
            from rnnscope.training.follow import follow

            follow(directory, controls, say)

        run_train_screen(start, title=options.run)
        return 0

    def start_plainly(controls: Controls, say: Say) -> None:
        from rnnscope.training.follow import follow

        def say_until_the_end(event: Event) -> None:
            say(event)
            if isinstance(event, Finished):
                controls.stop()

        follow(directory, controls, say_until_the_end)

    return read_plainly(start_plainly, json=options.json)

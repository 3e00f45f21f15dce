"""`rnnscope replay`: the training of a run, played back from its snapshots."""

from __future__ import annotations

import gc
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rnnscope.commands.opened import Opened
from rnnscope.commands.reading import has_screen, leave_at_once, refuse_terminal_as_text
from rnnscope.errors import OptionError
from rnnscope.theme.colors import ThemeChoice

_FRAMES = "120"
"""The maximum frame rate: a key press waits for the next frame."""

EXAMPLES = (
    "rnnscope replay runs/NAME               from the first snapshot on; space pauses",
    "rnnscope replay runs/NAME --speed 10x   twenty snapshots per second",
)


@dataclass(frozen=True)
class Options:
    """Play back the training of a run: samples, predictions, gates and neurons at every snapshot.

    All is computed from the weights of the snapshots, on one passage: the beginning of TEXT, by default of
    the validation text. A run that is still in progress can be replayed, too.
    """

    run: Annotated[str, tyro.conf.Positional]
    """The run directory."""
    text: Annotated[str | None, tyro.conf.Positional] = None
    """The text of the passage: a file, or archive, python or shakespeare."""
    speed: str = "1x"
    """A multiple of two snapshots per second, such as 10x."""
    theme: ThemeChoice = "auto"
    """Colors of the screen; auto asks the terminal for its background."""
    large: bool = False
    """Begin with the large layout: one or two panels and double-spaced text, for a large font."""
    record: Path | None = None
    """Record the screen in this new file, as an asciicast for asciinema."""


def run(options: Options) -> int:
    made = opened(options)
    if not has_screen(plain=False, json=False):
        raise OptionError("replay needs a terminal")
    if options.text is not None:
        refuse_terminal_as_text(options.text)
    os.environ.setdefault("TEXTUAL_FPS", _FRAMES)
    status = made.show(options.theme, options.record, large=options.large)
    leave_at_once(status, made.screen.jobs)
    gc.freeze()  # a final collection would take most of a second before the process ends
    return status


def opened(options: Options) -> Opened:
    """The screen. Raises RnnscopeError for arguments that do not fit."""
    from rnnscope.corpora.named import is_corpus, resolve_text
    from rnnscope.replay.film import Film
    from rnnscope.text.reading import check_text

    speed = speed_of(options.speed)
    if options.text is not None and not is_corpus(options.text):
        check_text(resolve_text(options.text), as_bytes=True)
    film = Film(Path(options.run), options.text, threads=1)

    from rnnscope.app.notes import notes_path
    from rnnscope.app.screens.replay import ReplayScreen
    from rnnscope.app.served import is_served
    from rnnscope.training.run import BEST

    notes = None if is_served() else notes_path(film.directory / BEST)
    screen = ReplayScreen(film, speed=speed, notes=notes)
    return Opened(screen, lambda progress: film.frame(film.steps[0], progress=progress))


def speed_of(text: str) -> float:
    """The multiple of a text such as `10x` or `0.5`. Raises OptionError."""
    from rnnscope.app.player import FASTEST, SLOWEST

    match = re.fullmatch(r"([0-9.]+)\s*[x×]?", text.strip())
    try:
        speed = float(match[1]) if match is not None else math.nan
    except ValueError:
        speed = math.nan
    if not SLOWEST <= speed <= FASTEST:
        raise OptionError(f"--speed is {text}, but must be from {SLOWEST:g}x to {FASTEST:g}x, such as 10x")
    return speed

"""`rnnscope replay`: the training of a run, played back from its snapshots."""

from __future__ import annotations

import gc
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from rnnscope.commands.opened import Opened
from rnnscope.commands.output import print_text, progress_bar
from rnnscope.commands.reading import has_screen, leave_at_once, refuse_terminal_as_text
from rnnscope.errors import OptionError
from rnnscope.theme.colors import ThemeChoice

if TYPE_CHECKING:
    from rnnscope.replay.film import Film

_FRAMES = "120"
"""The maximum frame rate: a key press waits for the next frame."""

EXAMPLES = (
    "rnnscope replay runs/NAME               from the first snapshot on; space pauses",
    "rnnscope replay runs/NAME --speed 10x   twenty snapshots per second",
    "rnnscope replay runs/NAME --find quotes --export film.html",
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
    find: str = ""
    """Score the neurons for a feature, or a regular expression, at every snapshot."""
    export: Path | None = None
    """Write the replay as a page for a browser, without a screen: one file of about 4 MB."""
    unit: tuple[str, ...] = ()
    """With --export: units that the page has, besides the best for --find and for the built-in features."""
    quantity: str = "auto"
    """The quantity of --unit; auto is the cell state, or the hidden state."""
    theme: ThemeChoice = "auto"
    """Colors of the screen; auto asks the terminal for its background."""
    large: bool = False
    """Begin with the large layout: one or two panels and double-spaced text, for a large font."""
    record: Path | None = None
    """Record the screen in this new file, as an asciicast for asciinema."""


def run(options: Options) -> int:
    if options.export is not None:
        return _export(options, options.export)
    made = opened(options)
    if not has_screen(plain=False, json=False):
        raise OptionError("replay needs a terminal; --export film.html writes a page without one")
    if options.text is not None:
        refuse_terminal_as_text(options.text)
    os.environ.setdefault("TEXTUAL_FPS", _FRAMES)
    status = made.show(options.theme, options.record, large=options.large)
    leave_at_once(status, made.screen.jobs)
    gc.freeze()  # a final collection would take most of a second before the process ends
    return status


def opened(options: Options) -> Opened:
    """The screen. Raises RnnscopeError for arguments that do not fit."""
    speed, film = speed_of(options.speed), _film(options)
    if options.unit:
        raise OptionError("--unit is for --export; on the screen, ↑ and ↓ choose a neuron")

    from rnnscope.app.notes import notes_path
    from rnnscope.app.screens.replay import ReplayScreen
    from rnnscope.app.served import is_served
    from rnnscope.training.run import BEST

    notes = None if is_served() else notes_path(film.directory / BEST)
    screen = ReplayScreen(film, speed=speed, find=options.find, notes=notes)
    return Opened(screen, lambda progress: film.frame(film.steps[0], progress=progress))


def _film(options: Options) -> Film:
    from rnnscope.corpora.named import is_corpus, resolve_text
    from rnnscope.replay.film import Film
    from rnnscope.text.reading import check_text

    if options.text is not None and not is_corpus(options.text):
        check_text(resolve_text(options.text), as_bytes=True)
    return Film(Path(options.run), options.text, threads=1)


def _export(options: Options, path: Path) -> int:
    if path.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"{path} is not an HTML file; give --export a name such as film.html")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"the directory {path.parent} does not exist; create it, or choose another")
    from rnnscope.analysis.units import unit_of
    from rnnscope.app.search_words import as_query
    from rnnscope.export.film_page import film_page
    from rnnscope.files import write_atomically
    from rnnscope.replay.film_data import film_data

    units = [(*unit_of(name), options.quantity) for name in options.unit]
    query = as_query(options.find) if options.find else None
    film = _film(options)
    with progress_bar("computing snapshots") as progress:
        data = film_data(film, units=units, query=query, progress=progress)
    for reason in data.skipped:
        print_text(f"skipped: {reason}")
    page = film_page(data).encode()
    write_atomically(path, lambda file: file.write(page))
    print_text(
        f"{path}: {len(data.steps)} snapshots, {len(data.units)} units, {len(page) / 1e6:.1f} MB; "
        "open it in a browser"
    )
    return 0


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

"""`rnnscope inspect`: look inside a trained model."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from rnnscope.app.views import View
from rnnscope.commands.arguments import AllowNonfinite, ModelName
from rnnscope.commands.opened import Once, Opened
from rnnscope.commands.reading import has_screen, leave_at_once, refuse_terminal_as_text
from rnnscope.errors import OptionError, TextError
from rnnscope.network.locate import model_name, resolve_model
from rnnscope.strict_json import JsonError
from rnnscope.theme.colors import ThemeChoice

if TYPE_CHECKING:
    from rnnscope.app.start import Start
    from rnnscope.network.header import Header
    from rnnscope.progress import Progress
    from rnnscope.session import Session
    from rnnscope.text.long import Kind

_FRAMES = "120"
"""The maximum frame rate: a key press waits for the next frame."""

EXAMPLES = (
    "rnnscope inspect                        the sample model archive-lstm, on its validation text",
    "rnnscope inspect runs/NAME notes.txt    your own model on your own text",
    "rnnscope inspect archive-lstm --neuron 1/31 --quantity cell --at 5018 --view ablate",
)


@dataclass(frozen=True)
class Options:
    """Look inside a trained model: activations along a text, and what each neuron detects.

    Without a TEXT it opens the validation text of the model's training if that is available, else a sample
    of the model; without a MODEL, the sample model archive-lstm. It opens as it was left for this model and
    this text, except for what --neuron, --quantity, --at, --view and --find say.
    """

    model: ModelName = "archive-lstm"
    text: Annotated[str | None, tyro.conf.Positional] = None
    """The text: a file of any size, or archive, python or shakespeare."""
    neuron: str | None = None
    """Open on this neuron, LAYER/UNIT such as 1/116."""
    quantity: str | None = None
    """Show this quantity of it, such as cell or forget."""
    at: int | None = None
    """Open at this position of the text, from 0."""
    view: View | None = None
    """Open this panel with its result, or present mode."""
    find: str | None = None
    """Search for this feature or regular expression."""
    fresh: bool = False
    """Do not open the model and the text as they were left the last time."""
    theme: ThemeChoice = "auto"
    """Colors of the screen; auto asks the terminal for its background."""
    large: bool = False
    """Begin with the large layout: one or two panels and double-spaced text, for a large font."""
    record: Path | None = None
    """Record the screen in this new file, as an asciicast for asciinema."""
    allow_nonfinite: AllowNonfinite = False


def run(options: Options, *, compared_with: str = "") -> int:
    """compared_with: a model to compare with at once."""
    made = opened(options, compared_with=compared_with)
    if not has_screen(plain=False, json=False):
        raise OptionError("inspect needs a terminal; rnnscope find and trace work without one")
    if options.text is not None:
        refuse_terminal_as_text(options.text)
    os.environ.setdefault("TEXTUAL_FPS", _FRAMES)
    status = made.show(options.theme, options.record, large=options.large)
    leave_at_once(status, made.screen.jobs)
    gc.freeze()  # a final collection would take most of a second before the process ends
    return status


def opened(options: Options, *, compared_with: str = "") -> Opened:
    """The screen. Raises RnnscopeError for arguments that do not fit."""
    from rnnscope.corpora.named import is_corpus, resolve_text
    from rnnscope.network.formats import read_header
    from rnnscope.text.reading import check_text

    path = resolve_model(options.model)
    header = read_header(path)
    if options.text is not None and not is_corpus(options.text):  # generated while the screen is open
        check_text(resolve_text(options.text), as_bytes=header.vocabulary.kind == "bytes")
    start = _start(options, header)

    from rnnscope.app.bookmarks import bookmarks_path
    from rnnscope.app.notes import notes_path
    from rnnscope.app.screens.inspect import InspectScreen
    from rnnscope.app.served import is_served

    held_out = header.training.get("held_out_nats")
    session = Once(lambda progress: open_session(options, progress))
    screen = InspectScreen(
        session,
        name=model_name(path),
        held_out_nats=float(held_out) if isinstance(held_out, int | float) else None,
        file=path,
        compared_with=compared_with,
        notes=None if is_served() else notes_path(path),
        bookmarks=None if is_served() else bookmarks_path(path),
        start=start,
        remembers=not (is_served() or compared_with),
        is_fresh=options.fresh,
    )

    def prepare(progress: Progress) -> None:
        from rnnscope.analysis.compare import Compare
        from rnnscope.analysis.names import Names
        from rnnscope.app.screen_scope import FIRST_CHARACTERS

        ready = session(progress)
        with suppress(TextError):  # too short a text
            ready.ask(Names(), progress)
        if compared_with:
            ready.ask(Compare(compared_with, characters=FIRST_CHARACTERS), progress)

    return Opened(screen, prepare)


def _start(options: Options, header: Header) -> Start:
    """How the screen begins. Raises OptionError for a neuron, a quantity or a place that does not exist."""
    from rnnscope.app.notes import neuron_of
    from rnnscope.app.start import Start, check_neuron, check_search

    neuron = None
    with _naming("--neuron"):
        if options.neuron is not None:
            neuron = neuron_of(options.neuron)
            check_neuron(neuron, None, header.architecture)
    with _naming("--quantity"):
        check_neuron(None, options.quantity, header.architecture)
    with _naming("--find"):
        if options.find is not None:
            check_search(options.find)
    with _naming("--at"):
        if options.at is not None and options.text is not None:
            _check_position(options.at, options.text, header.vocabulary.kind)
    return Start(neuron, options.quantity, options.at, options.view, options.find or "")


@contextmanager
def _naming(option: str) -> Iterator[None]:
    """Begin the message of an error with the option that it is about."""
    try:
        yield
    except (OptionError, JsonError) as error:
        raise OptionError(f"{option}: {error}") from None


def _check_position(position: int, text: str, kind: Kind) -> None:
    """Raise OptionError for a position outside a file; other texts are checked when they are opened."""
    from rnnscope.app.start import check_position
    from rnnscope.corpora.named import is_corpus
    from rnnscope.text.long import LongText

    if not is_corpus(text) and Path(text).is_file():
        check_position(position, LongText.open(text, kind))


def open_session(options: Options, progress: Progress) -> Session:
    """Open the session, which keeps its results; a worker thread calls it, because it imports torch."""
    from rnnscope.app.start import check_position
    from rnnscope.session import Session

    session = Session.open(
        options.model,
        options.text,
        allow_nonfinite=options.allow_nonfinite,
        keep=True,
        progress=progress,
    )
    with _naming("--at"):
        if options.at is not None:
            check_position(options.at, session.reader.text, progress)
    return session

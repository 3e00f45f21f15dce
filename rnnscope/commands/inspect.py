"""`rnnscope inspect`: look inside a trained model."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from rnnscope.commands.arguments import AllowNonfinite, ModelName
from rnnscope.commands.reading import has_screen, leave_at_once, refuse_terminal_as_text
from rnnscope.config import load_config
from rnnscope.errors import OptionError
from rnnscope.network.locate import model_name, resolve_model
from rnnscope.theme.colors import ThemeChoice

if TYPE_CHECKING:
    from rnnscope.progress import Progress
    from rnnscope.session import Session

_FRAMES = "120"
"""The maximum frame rate: a key press waits for the next frame."""

EXAMPLES = (
    "rnnscope inspect                        the sample model archive-lstm, on its validation text",
    "rnnscope inspect runs/NAME notes.txt    your own model on your own text",
)


@dataclass(frozen=True)
class Options:
    """Look inside a trained model: activations along a text, and what each neuron detects.

    Without a TEXT it opens the validation text of the model's training if that is available, else a sample
    of the model; without a MODEL, the sample model archive-lstm.
    """

    model: ModelName = "archive-lstm"
    text: Annotated[str | None, tyro.conf.Positional] = None
    """The text: a file of any size, or archive, python or shakespeare."""
    theme: ThemeChoice = "auto"
    """Colors of the screen; auto asks the terminal for its background."""
    record: Path | None = None
    """Record the screen in this new file, as an asciicast for asciinema."""
    allow_nonfinite: AllowNonfinite = False


def run(options: Options, *, compared_with: str = "") -> int:
    """compared_with: a model to compare with at once."""
    from rnnscope.corpora.named import is_corpus, resolve_text
    from rnnscope.network.formats import read_header
    from rnnscope.text.reading import check_text

    path = resolve_model(options.model)
    header = read_header(path)
    if options.text is not None and not is_corpus(options.text):  # generated while the screen is open
        check_text(resolve_text(options.text), as_bytes=header.vocabulary.kind == "bytes")
    if not has_screen(plain=False, json=False):
        raise OptionError("inspect needs a terminal; rnnscope find and trace work without one")
    if options.text is not None:
        refuse_terminal_as_text(options.text)

    os.environ.setdefault("TEXTUAL_FPS", _FRAMES)
    from rnnscope.app.app import RnnscopeApp, show
    from rnnscope.app.bookmarks import bookmarks_path
    from rnnscope.app.notes import notes_path
    from rnnscope.app.screens.inspect import InspectScreen
    from rnnscope.app.served import is_served

    held_out = header.training.get("held_out_nats")
    screen = InspectScreen(
        lambda progress: _open(options, progress),
        name=model_name(path),
        held_out_nats=float(held_out) if isinstance(held_out, int | float) else None,
        file=path,
        compared_with=compared_with,
        notes=None if is_served() else notes_path(path),
        bookmarks=None if is_served() else bookmarks_path(path),
    )
    status = show(RnnscopeApp(screen, theme=options.theme, config=load_config()), record=options.record)
    leave_at_once(status, screen.jobs)
    gc.freeze()  # a final collection would take most of a second before the process ends
    return status


def _open(options: Options, progress: Progress) -> Session:
    """Open the session, which keeps its results; a worker thread calls it, because it imports torch."""
    from rnnscope.session import Session

    return Session.open(
        options.model,
        options.text,
        allow_nonfinite=options.allow_nonfinite,
        keep=True,
        progress=progress,
    )

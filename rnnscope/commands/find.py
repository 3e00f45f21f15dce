"""`rnnscope find`: which neurons know a feature of a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from rnnscope.analysis.features import FEATURES
from rnnscope.commands.output import say_json, say_styled
from rnnscope.errors import OptionError, TextError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Options:
    """Find the neurons that know a feature of a text: chosen on one half of it, scored on the other.

    Beside them stand the best score that chance gets, and what a linear probe of all neurons knows.
    """

    model: Annotated[str, tyro.conf.Positional]
    """A model file, a run directory (its best), or the name of a sample model."""
    text: Annotated[str, tyro.conf.Positional]
    """The text: a file, or - for standard input."""
    feature: Annotated[str | None, tyro.conf.arg(help=f"A built-in feature: {', '.join(FEATURES)}.")] = None
    pattern: str | None = None
    """A regular expression: which neurons know where it matches?"""
    where: Literal["inside", "before", "after"] = "inside"
    """Inside the pattern's matches, at the character just before one, or just after."""
    labels: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npy")] = None
    """One label a character: true or 1 for on, false or 0 for off, NaN to ignore; or any numbers."""
    quantity: str | None = None
    """Search one quantity, such as cell; by default all that the network has."""
    top: int = 20
    """How many to show."""
    json: bool = False
    """Print one JSON object."""
    allow_nonfinite: bool = False
    """Load weights that are NaN or infinite, too."""


def run(options: Options) -> int:
    asked = [name for name in ("feature", "pattern", "labels") if getattr(options, name) is not None]
    if len(asked) != 1:
        given = " and ".join(f"--{name}" for name in asked) or "none is given"
        raise OptionError(f"find looks for one of --feature, --pattern and --labels: {given}")
    if options.top < 1:
        raise OptionError(f"--top is {options.top}, but must be at least 1")
    labels = None if options.labels is None else _load_labels(options.labels)

    from rnnscope.analysis.questions import question
    from rnnscope.network.header import read_header
    from rnnscope.network.locate import resolve_model
    from rnnscope.text.corpus import load_ids

    looked_for = question(options.feature, options.pattern, labels, where=options.where)
    path = resolve_model(options.model)
    ids = load_ids(options.text, read_header(path).vocabulary)

    from rnnscope.analysis.search import find
    from rnnscope.network.checkpoint import load_model

    findings = find(
        load_model(path, allow_nonfinite=options.allow_nonfinite),
        ids,
        looked_for,
        quantity=options.quantity,
        top=options.top,
    )
    if options.json:
        say_json(findings.to_json())
    else:
        from rnnscope.commands.found import shown

        say_styled(shown(findings))
    return 0


def _load_labels(path: Path) -> NDArray[Any]:
    import numpy as np

    try:
        labels = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise TextError(f"{path} is not an array that NumPy saved: write one by numpy.save") from error
    if not isinstance(labels, np.ndarray):
        raise TextError(f"{path} holds several arrays: save one array, of one label a character, as .npy")
    return labels

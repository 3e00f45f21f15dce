"""`rnnscope compare`: two models on one text. Its options are the fields of `Compare`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import tyro

from rnnscope.analysis.compare import Compare
from rnnscope.commands import inspect
from rnnscope.commands.arguments import AllowNonfinite, AsJson, ModelName
from rnnscope.commands.opened import Opened
from rnnscope.commands.parsing import field_docs
from rnnscope.commands.reading import has_screen
from rnnscope.network.locate import resolve_model
from rnnscope.theme.colors import ThemeChoice

EXAMPLES = (
    "rnnscope compare archive-lstm archive-gru                  on the validation text of the first",
    "rnnscope compare runs/NAME@9000 runs/NAME@1000 notes.txt   two steps of a run",
)


def _options() -> type:
    """A dataclass of two models, a text, the other fields of the query, and those of a screen."""
    types, docs = get_type_hints(Compare, include_extras=True), field_docs(Compare)
    text = tyro.conf.arg(
        help="The text: a file, archive, python or shakespeare; by default the validation text of the first."
    )
    theme = tyro.conf.arg(help="Colors of the screen; auto asks the terminal for its background.")
    record = tyro.conf.arg(help="Record the screen in this new file, as an asciicast for asciinema.")
    plain = tyro.conf.arg(help="Print a report; no screen.")
    own: list[Any] = [
        ("model", ModelName),
        ("other", ModelName),
        ("text", Annotated[tyro.conf.Positional[str], text], dataclasses.field(default="")),
    ]
    own += [
        (
            each.name,
            Annotated[types[each.name], tyro.conf.arg(help=docs[each.name])],
            dataclasses.field(default=each.default),
        )
        for each in dataclasses.fields(Compare)
        if each.name != "other"
    ]
    own += [
        ("plain", Annotated[bool, plain], dataclasses.field(default=False)),
        ("json", AsJson, dataclasses.field(default=False)),
        ("theme", Annotated[ThemeChoice, theme], dataclasses.field(default="auto")),
        ("record", Annotated[Path | None, record], dataclasses.field(default=None)),
        ("allow_nonfinite", AllowNonfinite, dataclasses.field(default=False)),
    ]
    made = dataclasses.make_dataclass("Options", own, frozen=True)
    made.__doc__ = "Compare two models on one text: losses, characters, units, samples, options that differ."
    return made


Options = _options()


def run(options: Any) -> int:
    resolve_model(options.other)
    if has_screen(plain=options.plain, json=options.json):
        return inspect.run(_inspected(options), compared_with=options.other)

    from rnnscope.commands.asking import answer

    query = Compare(**{each.name: getattr(options, each.name) for each in dataclasses.fields(Compare)})
    return answer(
        query,
        options.model,
        options.text or None,
        json=options.json,
        allow_nonfinite=options.allow_nonfinite,
    )


def opened(options: Any) -> Opened:
    """The inspect screen with the comparison. Raises RnnscopeError for arguments that do not fit."""
    resolve_model(options.other)
    return inspect.opened(_inspected(options), compared_with=options.other)


def _inspected(options: Any) -> inspect.Options:
    return inspect.Options(
        options.model,
        options.text or None,
        theme=options.theme,
        record=options.record,
        allow_nonfinite=options.allow_nonfinite,
    )

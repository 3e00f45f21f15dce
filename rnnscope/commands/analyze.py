"""`rnnscope analyze`: one analysis of a model on a text. Its options are the fields of its query."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

import tyro

from rnnscope.analysis import QUERIES
from rnnscope.analysis.query import Query
from rnnscope.commands.arguments import AllowNonfinite, AsJson, ModelName, TextName
from rnnscope.commands.output import print_text
from rnnscope.errors import OptionError, suggestion

_USAGE = """\
usage: rnnscope analyze MODEL TEXT ANALYSIS [options]

Analyze a model on a text. MODEL is a model file, a run directory (its best
weights), or the name of a sample model; TEXT is a file, archive, python or
shakespeare, or - for standard input.

analyses:
{analyses}

  rnnscope analyze ANALYSIS --help   the options of an analysis
  --json                             print the result as one JSON object

examples:
  rnnscope analyze archive-lstm archive contexts --layer 1 --unit 41
  rnnscope analyze runs/NAME notes.txt saturation --json
"""


def parse(arguments: Sequence[str]) -> Any | None:
    """The options of one analysis; None after the help was printed. Raises OptionError."""
    from rnnscope.commands.parsing import parse as parse_options

    asks_help = any(each in ("-h", "--help") for each in arguments)
    name = _named(arguments, asks_help=asks_help)
    if name is None:
        print_text(_USAGE.format(analyses="\n".join(_summaries())).rstrip("\n"))
        return None
    rest = ["--help"] if asks_help else arguments
    examples = [
        f"rnnscope analyze {given} {name} {QUERIES[name].example}".rstrip() + form
        for given, form in (("archive-lstm archive", ""), ("runs/NAME notes.txt", " --json"))
    ]
    return parse_options(options_of(name), "analyze", rest, examples, help_command=f"analyze {name}")


def _named(arguments: Sequence[str], *, asks_help: bool) -> str | None:
    """The name of the analysis: the third argument or, with --help, any; None without arguments."""
    if asks_help:
        return next((each for each in arguments if each in QUERIES), None)
    if not arguments:
        return None
    if len(arguments) > 2 and arguments[2] in QUERIES:
        return arguments[2]
    flag = next((each[2:] for each in arguments if each.startswith("--") and each[2:] in QUERIES), None)
    if flag is not None:
        raise OptionError(f"give the analysis without dashes: rnnscope analyze MODEL TEXT {flag}")
    if len(arguments) > 2 and not arguments[2].startswith("-"):
        raise OptionError(f"there is no analysis {arguments[2]}; {suggestion(arguments[2], QUERIES)}")
    raise OptionError(f"name a model, a text and an analysis: MODEL TEXT {'|'.join(QUERIES)}")


def _summaries() -> list[str]:
    width = max(map(len, QUERIES))
    return [f"  {name:{width}}  {_summary(query)}" for name, query in QUERIES.items()]


def _summary(query: type[Query[Any]]) -> str:
    """The first sentence of a query's docstring, on one line."""
    return " ".join((query.__doc__ or "").split("\n\n")[0].split())


def options_of(name: str) -> type:
    """A dataclass of the options of one analysis: a model, a text, the fields of the query, and --json."""
    query = QUERIES[name]
    analysis = tyro.conf.arg(help="The analysis.", metavar=name)
    options = dataclasses.make_dataclass(
        "Options",
        [
            ("model", ModelName),
            ("text", TextName),
            ("analysis", Annotated[tyro.conf.Positional[str], analysis]),
            ("query", Annotated[query, tyro.conf.arg(name="", help="")]),
            ("json", AsJson, dataclasses.field(default=False, kw_only=True)),
            ("allow_nonfinite", AllowNonfinite, dataclasses.field(default=False, kw_only=True)),
        ],
        frozen=True,
    )
    options.__doc__ = _summary(query)
    return options


def run(options: Any) -> int:
    from rnnscope.commands.asking import answer

    return answer(
        options.query,
        options.model,
        options.text,
        json=options.json,
        allow_nonfinite=options.allow_nonfinite,
    )

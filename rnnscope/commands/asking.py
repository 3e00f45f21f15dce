"""Answers a query on the command line: a report, or one JSON object."""

from __future__ import annotations

from typing import Any

from rnnscope.analysis.query import Query
from rnnscope.commands.output import progress_bar, say, say_json
from rnnscope.session import Session
from rnnscope.text.documents import document_note


def answer(query: Query[Any], model: str, text: str, *, json: bool, allow_nonfinite: bool) -> int:
    """Ask a query about a model and a text, print the result, and return the exit status."""
    session = Session.open(model, text, allow_nonfinite=allow_nonfinite)
    with progress_bar(query.activity) as progress:
        result = session.ask(query, progress)
    if json:
        say_json(result.to_dict())
        return 0

    from rnnscope.render import render
    from rnnscope.render.output import print_report

    print_report(render(result))
    if (note := document_note(session.reader.document_separator)) is not None:
        say(note)
    return 0

"""Runs a query for the command line and prints a report, or one JSON object."""

from __future__ import annotations

from typing import Any

from rnnscope.analysis.query import Query
from rnnscope.commands.output import print_json, print_text, progress_bar
from rnnscope.session import Session
from rnnscope.text.documents import document_note


def answer(query: Query[Any], model: str, text: str | None, *, json: bool, allow_nonfinite: bool) -> int:
    """Run a query on a model and a text, print the result, and return the exit status."""
    session = Session.open(model, text, allow_nonfinite=allow_nonfinite)
    with progress_bar(query.activity) as progress:
        result = session.ask(query, progress)
    if json:
        print_json(result.to_dict())
        return 0

    from rnnscope.render import render
    from rnnscope.render.output import print_report

    print_report(render(result))
    if (note := document_note(session.reader.document_separator)) is not None:
        print_text(note)
    return 0

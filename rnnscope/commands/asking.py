"""A query asked on the command line: a progress bar on standard error while it is computed."""

from __future__ import annotations

import sys
from typing import TypeVar

from rnnscope.analysis.query import Query, Result
from rnnscope.progress import Progress
from rnnscope.session import Session

R = TypeVar("R", bound=Result)


def ask(session: Session, query: Query[R]) -> R:
    """The answer to a query, with a bar where standard error is a terminal; the bar is removed at the end."""
    if not sys.stderr.isatty():
        return session.ask(query)

    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(query.activity, total=1.0)
        return session.ask(query, Progress(lambda share: bars.update(task, completed=share)))

"""A list of results with expandable lines: Enter on a line lists its positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from rnnscope.analysis.query import Query, Result
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.scope import Scope
from rnnscope.render.report import Report, Run

R = TypeVar("R", bound=Result)
_OPENED_ROWS = 4
"""Rows of an expanded line that are scrolled into view."""


class Folding(Generic[R]):
    """The panel of a result, with one expanded line."""

    def __init__(
        self,
        scope: Scope,
        heading: str,
        hint: str,
        *,
        id: str,
        query: Callable[[], Query[R]],
        report: Callable[[R, str], Report],
    ) -> None:
        """query: creates the panel's query. report: draws a result, given the name of the expanded line."""
        self._query = query
        self._report = report
        self._result: R | None = None
        self._opened = ""
        self.panel = ResultPanel(scope, heading, hint, id=id, press=self.ask, run=self._toggle)

    def ask(self) -> None:
        self.panel.ask(self._query(), self._show)

    def _show(self, result: R) -> None:
        self._result, self._opened = result, ""
        self.panel.show_report(self._report(result, ""))

    def _toggle(self, choice: Run, again: bool) -> None:
        """Expand a line, or collapse it to the line that contains it."""
        if again and self._result is not None:
            name = choice.argument
            self._opened = name.rpartition("/")[0] if name == self._opened else name
            self.panel.show_report(self._report(self._result, self._opened), keep_place=True)
            self.panel.show_below(_OPENED_ROWS)

"""A listed result whose lines open and close: Enter on one lists the positions that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from rnnscope.analysis.query import Query, Result
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.scope import Scope
from rnnscope.render.report import Report, Run

R = TypeVar("R", bound=Result)
_OPENED_ROWS = 4
"""Rows of an opened line that are brought into sight."""


class Folding(Generic[R]):
    """The panel of a result, and the line of it that is open."""

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
        """query: what the panel asks. report: draws a result, given the name of the line that is open."""
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
        """Open a line, or close it: then the one that it is part of stays open."""
        if again and self._result is not None:
            name = choice.argument
            self._opened = name.rpartition("/")[0] if name == self._opened else name
            self.panel.show_report(self._report(self._result, self._opened), keep_place=True)
            self.panel.show_below(_OPENED_ROWS)

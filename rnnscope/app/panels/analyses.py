"""Analyses without a separate panel: an action in the command palette for each, and one shared panel.

Every analysis of `rnnscope.analysis.QUERIES` is registered automatically. Its fields have their defaults,
except for those taken from the selection (see `query_of`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from functools import partial
from typing import Any

from rnnscope.analysis import QUERIES
from rnnscope.analysis.query import Query, Result
from rnnscope.app.actions import Action, Registry
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.scope import Scope
from rnnscope.render import render


class OtherAnalyses:
    """Asks any query, and lists its result."""

    def __init__(self, scope: Scope, without: Collection[type[Query[Any]]]) -> None:
        """without: the queries that other panels ask."""
        self._scope = scope
        self._queries = [query for query in QUERIES.values() if query not in without]
        self._asked: type[Query[Any]] | None = None
        self.panel = ResultPanel(
            scope,
            "analysis",
            "ctrl+p lists all analyses",
            id="result",
            press=self._ask_again,
        )

    def register(self, registry: Registry) -> None:
        """Offer an action for each analysis that can be asked of a selection."""
        for query in self._queries:
            if _is_given_by_selection(query):
                registry.add(_action_of(query), partial(self._ask, query))

    def _ask(self, kind: type[Query[Any]]) -> None:
        query = query_of(kind, self._scope)
        if query is not None:
            self._asked = kind
            self.panel.ask(query, partial(self._list, kind.name))

    def _ask_again(self) -> None:
        if self._asked is not None:
            self._ask(self._asked)

    def _list(self, name: str, result: Result) -> None:
        report = render(result)
        subject = f"{name}: {report.subject}" if report.subject else name
        self.panel.show_report(dataclasses.replace(report, subject=subject))


_SELECTED = ("layer", "unit", "quantity", "position")
"""Fields that the selection gives."""


def query_of(kind: type[Query[Any]], scope: Scope) -> Query[Any] | None:
    """A query about the selection; None if there is no selection yet.

    `layer`, `unit`, `quantity` and `position` are those of the selection, `characters` is how much of the
    text searches read, and every other field has its default.
    """
    selection = scope.selection
    if selection is None:
        return None
    fields = {field.name for field in dataclasses.fields(kind)}
    given: dict[str, Any] = {name: getattr(selection, name) for name in _SELECTED if name in fields}
    if "characters" in fields:
        given["characters"] = scope.characters
    return kind(**given)


def _is_given_by_selection(kind: type[Query[Any]]) -> bool:
    return all(field.name in _SELECTED for field in dataclasses.fields(kind) if _is_required(field))


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _action_of(kind: type[Query[Any]]) -> Action:
    about = (kind.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return Action(f"analyze_{kind.name}", (), f"Analyze: {kind.name}. {about}", "analysis")

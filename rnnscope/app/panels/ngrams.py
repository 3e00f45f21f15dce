"""The model compared with n-gram models, on average and at every character of the page."""

from __future__ import annotations

from typing import ClassVar

from rnnscope.analysis.ngrams import NgramPage, NgramPageResult, Ngrams, NgramsResult
from rnnscope.app.actions import Action
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.scope import Scope
from rnnscope.render.ngrams import RANGE_NATS
from rnnscope.selection import Overlay, Selection


class NgramsAnalysis:
    """Asks for the comparison, and colors the passage by the difference at each character."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "ngrams",
            ("P",),
            "Compare with n-grams, per character",
            "analysis",
            synonyms="ngram baseline Kneser-Ney difference",
        ),
    )

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._overlay: Overlay | None = None
        """The differences, as they color the page."""
        self._characters = 0
        self.panel = ResultPanel(
            scope,
            "n-grams",
            "press P to compare the model with n-grams",
            id="ngrams",
            press=self.action_ngrams,
        )

    def action_ngrams(self) -> None:
        self._characters = self._scope.characters
        self.panel.ask(Ngrams(characters=self._characters), self._show)

    def follow(self, before: Selection | None, selection: Selection) -> None:
        """Color a new page by the differences if the previous page was colored by them."""
        was_shown = self._overlay is not None and before is not None and before.overlay is self._overlay
        if was_shown and before is not None and before.trace is not selection.trace:
            self._ask_of_page()

    def _show(self, result: NgramsResult) -> None:
        self.panel.show_result(result)
        self._ask_of_page()

    def _ask_of_page(self) -> None:
        selection = self._scope.selection
        if selection is not None:
            stop = selection.start + len(selection.trace)
            query = NgramPage(selection.start, stop, characters=self._characters)
            self._scope.ask("ngram page", query, self._color)

    def _color(self, result: NgramPageResult) -> None:
        selection = self._scope.selection
        if selection is not None and selection.start == result.start:
            values = selection.along(result.start, result.nats / RANGE_NATS)
            ends = (f"−{RANGE_NATS:g}", f"+{RANGE_NATS:g} nats")
            self._overlay = Overlay(f"model compared with the {result.order}-gram", values, ends=ends)
            self._scope.select(overlay=self._overlay, coloring="overlay")

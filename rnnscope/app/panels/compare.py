"""Another model on the same text: losses, characters at which the two differ most, units, samples."""

from __future__ import annotations

from typing import ClassVar

from rnnscope.analysis.compare import Compare, ComparePage, ComparePageResult, CompareResult
from rnnscope.app.actions import Action
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.question import Question
from rnnscope.app.scope import Scope
from rnnscope.app.served import is_served
from rnnscope.errors import CheckpointError
from rnnscope.network.locate import resolve_model, sample_models
from rnnscope.render.compare import RANGE_NATS
from rnnscope.selection import Overlay, Selection


class CompareAnalysis:
    """Asks for the comparison, and colors the passage by the difference at each character."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "models",
            ("Y",),
            "Compare with another model, per character",
            "analysis",
            synonyms="compare difference versus two models steps",
        ),
    )

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._other = ""
        self._overlay: Overlay | None = None
        """The differences, as they color the page."""
        self.panel = ResultPanel(
            scope,
            "compare",
            "press Y to compare with another model",
            id="compare",
            press=self.action_models,
        )

    def action_models(self) -> None:
        """Ask for the other model."""

        def accept(answer: str) -> str | None:
            name = answer.strip()
            if is_served() and name not in sample_models():
                return "a web page compares with sample models only"
            try:
                resolve_model(name)
            except CheckpointError as error:
                return str(error)
            self.compare(name)
            return None

        hint = "a file, a run, RUN@STEP, or a sample model (↑↓, Tab)   Enter   Esc"
        question = Question("compare with", self._other, hint, accept, suggestions=tuple(sample_models()))
        self._scope.prompt(question)

    def compare(self, other: str) -> None:
        """Compare with a model, by its name."""
        self._other = other
        self.panel.ask(Compare(other, characters=self._scope.characters), self._show)

    def follow(self, before: Selection | None, selection: Selection) -> None:
        """Color a new page by the differences if the previous page was colored by them."""
        was_shown = self._overlay is not None and before is not None and before.overlay is self._overlay
        if was_shown and before is not None and before.trace is not selection.trace:
            self._ask_of_page()

    def _show(self, result: CompareResult) -> None:
        self.panel.show_result(result)
        self._ask_of_page()

    def _ask_of_page(self) -> None:
        selection = self._scope.selection
        if selection is not None:
            stop = selection.start + len(selection.trace)
            self._scope.ask("compare page", ComparePage(self._other, selection.start, stop), self._color)

    def _color(self, result: ComparePageResult) -> None:
        selection = self._scope.selection
        if selection is not None and selection.start == result.start:
            values = selection.along(result.start, result.nats / RANGE_NATS)
            ends = (f"−{RANGE_NATS:g}", f"+{RANGE_NATS:g} nats")
            self._overlay = Overlay(f"compared with {self._other}", values, ends=ends)
            self._scope.select(overlay=self._overlay, coloring="overlay")

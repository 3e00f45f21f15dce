"""What is lost without a neuron: it is held at a value, which slides, and the passage shows the cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from textual import on

from rnnscope.analysis.ablation import Ablate
from rnnscope.app.asking.answers import AblationFound, Answer
from rnnscope.app.asking.requests import FindAblation
from rnnscope.app.panels.prompt import Question
from rnnscope.app.panels.reports import ReportPanel
from rnnscope.app.ranking import Neuron
from rnnscope.app.screens.analysing import AnalysingScreen
from rnnscope.app.screens.questions import number
from rnnscope.render import ablation
from rnnscope.render.report import Run
from rnnscope.selection import Overlay

_RANGE_NATS = 1.0
"""The change of a character's loss that has the strongest color."""
_STEP = 0.1
_NAMED = 3


class HoldingScreen(AnalysingScreen, inherit_bindings=False):
    """Neurons held at a value."""

    _query: Ablate | None = None
    """What was asked last."""

    def action_ablate(self) -> None:
        """Hold the neuron, or all favorites, at a value; it slides with ↑ and ↓, and is heard of at once."""
        selection = self.selection
        if selection is None:
            return
        neurons: list[list[Neuron]] = [[(selection.layer, selection.unit)]]

        def accept(answer: str) -> str | None:
            told = answer.strip().lower()
            if told.startswith("*"):
                favorites = sorted(self.ranking.remarks.favorites) if self.ranking is not None else []
                if not favorites:
                    return "no neuron is a favorite yet; * makes the chosen one"
                neurons[0], told = favorites, told[1:].strip() or "0"
            value = number(told)
            if told != "mean" and (value is None or not -1 <= value <= 1):
                return "a value from -1 to 1, mean, or * for all favorites"
            self._hold(neurons[0], value)
            return None

        def nudge(written: str, by: int) -> str:
            told = written.strip()
            mark = "*" if told.startswith("*") else ""
            value = number(told.removeprefix("*") or "0")
            value = min(1.0, max(-1.0, (0.0 if value is None else value) + _STEP * by))
            accept(f"{mark}{value:.1f}")
            return f"{mark}{value:.1f}"

        hint = "0: without it   ↑↓ slides it   mean   *: all favorites   Enter   Esc"
        self.ask(Question(f"hold {selection.neuron} at", "0", hint, accept, nudge))

    def _hold(self, neurons: list[Neuron], value: float | None) -> None:
        """Clamp units on the page, at their means there where there is no value."""
        units = tuple(f"{layer}/{unit}" for layer, unit in neurons)
        self._ask_of(Ablate(units, value or 0.0, mean=value is None))

    def _ask_of(self, query: Ablate) -> None:
        if self.selection is not None:
            stop, cursor = self.start + len(self.selection.trace), self.start + self.selection.cursor
            query = replace(query, start=self.start, stop=stop, position=cursor + 1)
            self.ask_for(FindAblation(query), "ablation")

    def take(self, answer: Answer) -> None:
        super().take(answer)
        if isinstance(answer, AblationFound):
            assert isinstance(answer.request, FindAblation)
            self._query = answer.request.query
            self.report("ablation", ablation.report(answer.ablation), keep_place=True)
            self._map(answer)

    def _map(self, found: AblationFound) -> None:
        """Color the page by the change of each character's loss."""
        if self.selection is None:
            return
        values = np.zeros(len(self.selection.trace), np.float32)
        first = found.ablation.start + 1 - self.start
        if first < 1 or first + len(found.ablation.delta_nats) > len(values):
            return  # another page is shown by now
        values[first : first + len(found.ablation.delta_nats)] = found.ablation.delta_nats / _RANGE_NATS
        clamps = found.ablation.clamps
        names = ", ".join(f"{clamp.layer}/{clamp.unit}" for clamp in clamps[:_NAMED])
        subject = f"Δ loss, {names} clamped at {clamps[0].value:.3g}".replace("-", "−")
        self.overlay(Overlay(subject, np.clip(values, -1, 1), ends=("−1", "+1 nat")), self.start)

    @on(ReportPanel.Chosen)
    def _slide(self, message: ReportPanel.Chosen) -> None:
        match message.choice:
            case Run(action="hold", argument=value) if self._query is not None:
                self._ask_of(replace(self._query, value=float(value), mean=False))
            case Run(action="ablate") if message.again:
                self.action_ablate()

"""Ablation of the selected neuron, or of all starred ones: the change in loss at an adjustable value."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import ClassVar

import numpy as np

from rnnscope.analysis.ablation import Ablate, AblateResult, Clamp
from rnnscope.app.actions import Action
from rnnscope.app.numbers import number
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.question import Question
from rnnscope.app.scope import Neuron, Scope
from rnnscope.render import render
from rnnscope.render.report import Run
from rnnscope.selection import Overlay

_RANGE_NATS = 1.0
"""The change of a character's loss that has the strongest color."""
_STEP = 0.1
_NAMED = 3


class Ablation:
    """Asks for a value, and what clamping neurons to it changes on the page."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "ablate",
            ("x",),
            "Ablate / clamp the neuron and measure the loss change",
            "analysis",
            "ablate",
            70,
            "remove knock out zero hold intervene",
        ),
    )

    def __init__(self, scope: Scope, starred: Callable[[], Collection[Neuron]]) -> None:
        """starred: the neurons that `*` stands for."""
        self._scope = scope
        self._starred = starred
        self.panel = ResultPanel(
            scope,
            "ablate",
            "press x to ablate the neuron, or clamp it to a value",
            id="ablation",
            press=self.action_ablate,
            run=self._run,
        )

    @property
    def clamps(self) -> tuple[Clamp, ...]:
        """The units that the panel shows clamped; none while it is out of sight."""
        result = self.panel.result
        return result.clamps if isinstance(result, AblateResult) and self.panel.display else ()

    def action_ablate(self) -> None:
        """Clamp the neuron, or all starred ones; ↑ and ↓ slide the value, and its effect is shown at once."""
        selection = self._scope.selection
        if selection is None:
            return
        chosen = (selection.layer, selection.unit)

        def accept(answer: str) -> str | None:
            text = answer.strip().lower()
            neurons = [chosen]
            if text.startswith("*"):
                neurons = sorted(self._starred())
                text = text[1:].strip() or "0"
                if not neurons:
                    return "no neuron is starred yet; * stars the selected one"
            value = number(text)
            if text != "mean" and (value is None or not -1 <= value <= 1):
                return "a value from -1 to 1, mean, or * for all starred neurons"
            self._clamp(neurons, value)
            return None

        def nudge(written: str, by: int) -> str:
            text = written.strip()
            mark = "*" if text.startswith("*") else ""
            value = number(text.removeprefix("*") or "0")
            value = min(1.0, max(-1.0, (0.0 if value is None else value) + _STEP * by))
            accept(f"{mark}{value:.1f}")
            return f"{mark}{value:.1f}"

        hint = '0 = ablate   ↑↓ change   "mean" = mean-ablate   * = all starred   Enter   Esc'
        self._scope.prompt(Question(f"clamp {selection.neuron} to", "0", hint, accept, nudge))

    def ablate(self) -> None:
        """Clamp the selected neuron to 0."""
        selection = self._scope.selection
        if selection is not None:
            self._clamp([(selection.layer, selection.unit)], 0.0)

    def _clamp(self, neurons: Collection[Neuron], value: float | None) -> None:
        """Ask of the page what clamping neurons changes; None clamps each to its mean."""
        selection = self._scope.selection
        if selection is not None:
            self._ask(
                Ablate(
                    tuple(f"{layer}/{unit}" for layer, unit in neurons),
                    value=0.0 if value is None else value,
                    mean=value is None,
                    start=selection.start,
                    stop=selection.start + len(selection.trace),
                    position=selection.position + 1,
                )
            )

    def _ask(self, query: Ablate) -> None:
        """Ask for the change in loss, which is quick, and then for the samples too."""

        def show(result: AblateResult) -> None:
            self._show(result)
            self.panel.ask(query, self._show, show=False)

        self.panel.ask(replace(query, sample=0), show, focus=False)

    def _show(self, result: AblateResult) -> None:
        self.panel.show_report(render(result), keep_place=True)
        selection = self._scope.selection
        if selection is not None and selection.start == result.start:
            changes = np.clip(result.delta_nats / _RANGE_NATS, -1, 1)
            names = ", ".join(f"{each.layer}/{each.unit}" for each in result.clamps[:_NAMED])
            subject = f"Δ loss, {names} clamped to {result.clamps[0].value:.2g}".replace("-", "−")
            overlay = Overlay(subject, selection.along(result.start + 1, changes), ends=("−1", "+1 nat"))
            self._scope.select(overlay=overlay, coloring="overlay")

    def _run(self, choice: Run, again: bool) -> None:
        query = self.panel.last_query
        if choice.action == "hold" and isinstance(query, Ablate):
            full = replace(query, value=float(choice.argument), mean=False, sample=Ablate.sample)
            self._ask(full)
        elif choice.action == "ablate" and again:
            self.action_ablate()

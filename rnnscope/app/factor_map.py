"""Replaces the heat map's neurons with a few factors, each of which can color the passage."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rnnscope.analysis.factors import Factors, FactorsResult
from rnnscope.app.actions import Action
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.scope import Scope
from rnnscope.selection import Overlay, Selection

_NAMED = 3


class FactorMap:
    """Shows the factors of the chosen layer in the heat map, in place of its neurons."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "factors",
            ("F",),
            "Heat map: factors / neurons (toggle)",
            "analysis",
            synonyms="NMF ICA components groups",
        ),
    )

    def __init__(self, scope: Scope, heat_map: HeatMap) -> None:
        self._scope = scope
        self._heat_map = heat_map
        self._is_on = False
        self._result: FactorsResult | None = None
        self._factor = 0

    @property
    def is_on(self) -> bool:
        """Whether the heat map shows factors."""
        return self._is_on

    def action_factors(self) -> None:
        selection = self._scope.selection
        if selection is None:
            return
        result = self._result
        if self.leave():
            if result is not None:
                strongest = int(result.factors.strongest(self._factor, 1)[0])
                self._scope.select_neuron(result.layer, strongest)
            return
        self._scope.show_panel("map")
        self._is_on = True
        self._ask(selection)

    def leave(self) -> bool:
        """Show neurons again. Returns True if factors were shown."""
        was_on, self._is_on, self._result = self._is_on, False, None
        if was_on:
            self._heat_map.show_factors(None)
            self._scope.select(overlay=None, coloring="neuron")
        return was_on

    def step(self, by: int) -> bool:
        """Select the factor `by` rows further down. Returns True if factors are shown."""
        if self._is_on:
            self.choose(self._factor + by)
        return self._is_on

    def choose(self, factor: int) -> None:
        """Color the passage by a factor."""
        selection, result = self._scope.selection, self._result
        if result is None or selection is None:
            return
        factors = result.factors
        self._factor = max(0, min(factor, len(factors.units) - 1))
        self._heat_map.show_factors(factors, self._factor)
        names = ", ".join(map(str, factors.strongest(self._factor, _NAMED).tolist()))
        strengths = np.minimum(factors.along[:, self._factor], 1.0)
        values = selection.along(result.start, strengths)
        overlay = Overlay(f"factor {self._factor + 1}: neurons {names}", values, "gate", ("0", "1"))
        self._scope.select(overlay=overlay, coloring="overlay")

    def follow(self, before: Selection | None, selection: Selection) -> None:
        """Request the factors again after a change of page or layer."""
        if self._is_on and before is not None:
            is_other = before.layer != selection.layer or before.trace is not selection.trace
            if is_other:
                self._result = None
                self._heat_map.show_factors(None)
                self._ask(selection)

    def _ask(self, selection: Selection) -> None:
        stop = selection.start + len(selection.trace)
        query = Factors(selection.layer, start=selection.start, stop=stop, characters=self._scope.characters)
        self._scope.ask("factors", query, self._receive)

    def _receive(self, result: FactorsResult) -> None:
        selection = self._scope.selection
        is_of_page = (
            selection is not None
            and (result.layer, result.start) == (selection.layer, selection.start)
            and len(result.factors.along) == len(selection.trace)
        )
        if self._is_on and is_of_page:
            self._result = result
            self.choose(min(self._factor, len(result.factors.units) - 1))

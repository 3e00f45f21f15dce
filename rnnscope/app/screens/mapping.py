"""The crowd on the inspect screen: the heat map in any order, near and far, as factors; a second neuron."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from textual import on

from rnnscope.app.asking.answers import Answer, FactorsFound, PageRead
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import FindFactors
from rnnscope.app.messages import FactorChosen
from rnnscope.app.ordering import Kind
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.ranking import Ranking
from rnnscope.app.screens.holding import HoldingScreen
from rnnscope.app.screens.inspect_layout import FIRST
from rnnscope.selection import Overlay, Second, Selection

_NAMED = 3


class MappingScreen(HoldingScreen, inherit_bindings=False):
    """Many neurons at once, or two."""

    orders: ClassVar[tuple[Kind, ...]] = ("slowest", "similar", "index", "table")

    def __init__(self, desk: Desk, *, name: str) -> None:
        super().__init__(desk, name=name)
        self.reads_factors = False
        """Whether the heat map shows factors."""
        self._factors: FactorsFound | None = None
        self._factor = 0

    # -- the heat map ----------------------------------------------------------------------------------------

    def show_heat_map(self) -> bool:
        heat_map = self.query_one(HeatMap)
        if heat_map.display:
            return True
        self.show_panel("map")
        self.call_after_refresh(lambda: self.set_focus(heat_map))
        return False

    def set_ranking(self, ranking: Ranking) -> None:
        super().set_ranking(ranking)
        layers = range(1, ranking.architecture.layers + 1)
        everyone = np.arange(ranking.architecture.hidden_size)
        table = {}
        for layer in layers:
            ranked = np.array([unit for at, unit in ranking.order if at == layer], np.intp)
            table[layer] = np.concatenate([ranked, np.setdiff1d(everyone, ranked)])
        self.query_one(HeatMap).rank(table)

    def action_order(self) -> None:
        self._leave_factors()
        super().action_order()

    def action_nearer(self) -> None:
        self.show_heat_map()
        self.query_one(HeatMap).action_zoom(-1)

    def action_farther(self) -> None:
        self.show_heat_map()
        self.query_one(HeatMap).action_zoom(+1)

    # -- factors ---------------------------------------------------------------------------------------------

    def action_factors(self) -> None:
        """Read the crowd as a few factors, or its neurons again: then with the factor's strongest."""
        if self.selection is None:
            return
        if self.reads_factors:
            found, layer = self._factors, self.selection.layer
            self._leave_factors()
            if found is not None:
                self.look(layer=layer, unit=int(found.factors.strongest(self._factor, 1)[0]))
            return
        self.show_heat_map()
        self.reads_factors = True
        self._ask_for_factors(self.selection)

    def _ask_for_factors(self, selection: Selection) -> None:
        self.ask_for(FindFactors(selection.layer, self.start, self.start + len(selection.trace)))

    def _leave_factors(self) -> None:
        if not self.reads_factors:
            return
        self.reads_factors, self._factors = False, None
        self.desk.cancel(FindFactors)
        self.query_one(HeatMap).show_factors(None)
        self.look(overlay=None, coloring="neuron")

    def take(self, answer: Answer) -> None:
        super().take(answer)
        if not self.reads_factors:
            return
        if isinstance(answer, FactorsFound) and self._is_of_selection(answer):
            self._factors = answer
            self._choose_factor(min(self._factor, len(answer.factors.units) - 1))
        elif isinstance(answer, PageRead) and self.selection is not None:
            self._forget_factors(self.selection)

    def _is_of_selection(self, found: FactorsFound) -> bool:
        request, selection = found.request, self.selection
        assert isinstance(request, FindFactors)
        return (
            selection is not None
            and (request.layer, found.start) == (selection.layer, self.start)
            and len(found.factors.along) == len(selection.trace)
        )

    def _forget_factors(self, selection: Selection) -> None:
        """Those of another page or layer: ask for the ones of this."""
        self._factors = None
        self.query_one(HeatMap).show_factors(None)
        self._ask_for_factors(selection)

    def show_selection(self, selection: Selection) -> None:
        before = self.selection
        super().show_selection(selection)
        if self.reads_factors and before is not None and before.layer != selection.layer:
            self._forget_factors(selection)

    def _choose_factor(self, factor: int) -> None:
        """Color the passage by a factor."""
        if self._factors is None:
            return
        factors = self._factors.factors
        self._factor = max(0, min(factor, len(factors.units) - 1))
        self.query_one(HeatMap).show_factors(factors, self._factor)
        names = ", ".join(map(str, factors.strongest(self._factor, _NAMED).tolist()))
        values = np.minimum(factors.along[:, self._factor], 1.0)
        overlay = Overlay(f"factor {self._factor + 1}: neurons {names}", values, "gate", ("0", "1"))
        self.overlay(overlay, self.start)

    @on(FactorChosen)
    def _take_factor(self, message: FactorChosen) -> None:
        self._choose_factor(message.index)

    def _choose_neighbor(self, by: int) -> None:
        if self.reads_factors:
            self._choose_factor(self._factor + by)
        else:
            super()._choose_neighbor(by)

    def leave_factors(self) -> bool:
        """Step back from factors; whether there was anything to step back from."""
        was_reading = self.reads_factors
        self._leave_factors()
        return was_reading

    # -- a second neuron -------------------------------------------------------------------------------------

    def action_second(self) -> None:
        """Keep the neuron as a second one: under the text, then beside it, then no longer."""
        selection = self.selection
        if selection is None:
            return
        if selection.second is None:
            self.look(second=Second(selection.layer, selection.unit, selection.quantity), coloring="neuron")
            self.announce(
                f"{selection.neuron} stays under the text; choose another to compare, 2 sets them apart"
            )
        elif selection.second.place == "under":
            second = selection.second
            self.look(second=Second(second.layer, second.unit, second.quantity, "beside"))
            self.show_panel("second")
        else:
            self.look(second=None)
            self.show_panel(FIRST)

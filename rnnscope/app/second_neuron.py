"""A pinned second neuron to compare: in a row under each line of the passage, or in a second passage."""

from __future__ import annotations

from typing import ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.scope import Scope
from rnnscope.selection import Second


class SecondNeuron:
    """Pins the chosen neuron as the second one."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "second",
            ("ampersand",),
            "Pin a second neuron: below / side by side / off",
            "navigation",
            synonyms="compare two",
        ),
    )

    def __init__(self, scope: Scope, *, after: str) -> None:
        """after: the panel that is shown when the neuron is unpinned."""
        self._scope = scope
        self._after = after

    def action_second(self) -> None:
        selection = self._scope.selection
        if selection is None:
            return
        second = selection.second
        if second is None:
            pinned = Second(selection.layer, selection.unit, selection.quantity)
            self._scope.select(second=pinned, coloring="neuron")
            self._scope.announce(
                f"{selection.neuron} is pinned below; choose another to compare, & puts them side by side"
            )
        elif second.place == "under":
            self._scope.select(second=Second(second.layer, second.unit, second.quantity, "beside"))
            self._scope.show_panel("second")
        else:
            self._scope.select(second=None)
            self._scope.show_panel(self._after)

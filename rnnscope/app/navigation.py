"""Selects neurons, quantities and layers from the keyboard, on both screens."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.choosing import neighbor_quantity
from rnnscope.app.scope import Scope


class Navigation:
    """Moves the selection from one neuron, quantity or layer to another."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("neuron_up", ("up", "k"), "Previous neuron (in the order shown)", "navigation", "neuron", 20),
        Action("neuron_down", ("down", "j"), "Next neuron (in the order shown)", "navigation", "neuron", 20),
        Action(
            "quantity",
            ("g",),
            "Next quantity: input gate, forget gate, … of all neurons, until Esc",
            "navigation",
            "quantity",
            30,
            "signal activation gate",
        ),
        Action("quantity_back", ("G",), "Previous quantity", "navigation", synonyms="signal activation gate"),
        Action("layer_down", ("left_square_bracket",), "Layer below", "navigation"),
        Action("layer_up", ("right_square_bracket",), "Layer above", "navigation"),
    )

    def __init__(self, scope: Scope, step: Callable[[int], object]) -> None:
        """step: selects the neuron a number of places further in the order that the screen shows."""
        self._scope = scope
        self._step = step

    def action_neuron_up(self) -> None:
        self._step(-1)

    def action_neuron_down(self) -> None:
        self._step(+1)

    def action_quantity(self) -> None:
        self._turn_quantity(+1)

    def action_quantity_back(self) -> None:
        self._turn_quantity(-1)

    def _turn_quantity(self, by: int) -> None:
        selection = self._scope.selection
        if selection is not None:
            self._scope.select_quantity(neighbor_quantity(selection, by))

    def action_layer_down(self) -> None:
        self._turn_layer(-1)

    def action_layer_up(self) -> None:
        self._turn_layer(+1)

    def _turn_layer(self, by: int) -> None:
        selection = self._scope.selection
        if selection is None:
            return
        if selection.trace.architecture.layers == 1:
            self._scope.announce("this network has one layer")
        layer = max(1, min(selection.layer + by, selection.trace.architecture.layers))
        self._scope.select_neuron(layer, selection.unit)

"""The quantity that colors a text, parsed from a unit such as `1/37` and a quantity such as `cell`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rnnscope.errors import OptionError
from rnnscope.export.colored import Facts
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.header import Header
from rnnscope.selection import Selection
from rnnscope.text.display import safe
from rnnscope.tracing.trace import Trace

SURPRISE = "surprise"
"""The surprisal of each character in bits: a quantity that needs no neuron."""


@dataclass(frozen=True)
class Subject:
    """One quantity of one neuron, or surprise.

    layer: from 1. unit: from 0.
    """

    quantity: str
    layer: int = 1
    unit: int = 0

    @classmethod
    def of(cls, unit: str, quantity: str, shape: Architecture) -> Subject:
        """Parse a unit such as `1/37` and a quantity.

        quantity: empty for `cell`, or `hidden` where the cell type has no cell state. `surprise` needs no
        unit. Raises OptionError for a unit or a quantity that the network does not have.
        """
        quantities = QUANTITIES[shape.cell]
        quantity = quantity or ("cell" if "cell" in quantities else "hidden")
        if quantity == SURPRISE:
            return cls(SURPRISE)
        if quantity not in quantities:
            known = ", ".join((*quantities, SURPRISE))
            raise OptionError(f"{shape.title} has no quantity {safe(quantity)}; use one of {known}")
        neurons = f"1/0 to {shape.layers}/{shape.hidden_size - 1}"
        if not unit:
            raise OptionError(f"the unit is missing; give one of {neurons}, or the quantity {SURPRISE}")
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", unit)
        layer, number = (int(match[1]), int(match[2])) if match else (0, 0)
        if not (1 <= layer <= shape.layers and number < shape.hidden_size):
            raise OptionError(f"{shape.title} has no unit {safe(unit)}; use LAYER/UNIT from {neurons}")
        return cls(quantity, layer, number)

    def selection(self, trace: Trace) -> Selection:
        """A trace with this quantity selected."""
        if self.quantity == SURPRISE:
            return Selection(trace, coloring="surprisal")
        return Selection(trace, layer=self.layer, unit=self.unit, quantity=self.quantity)


def model_facts(path: Path, header: Header) -> Facts:
    """The name, architecture, size and losses of a model, as far as its file records them."""
    facts = [path.name, header.architecture.title, f"{header.parameters:,} parameters"]
    if isinstance(step := header.training.get("step"), int):
        facts.append(f"step {step:,}")
    for name, key in (("train", "train_nats"), ("held out", "held_out_nats")):
        if isinstance(loss := header.training.get(key), float):
            facts.append(f"{name} {loss:.4f} nats")
    return tuple(facts)

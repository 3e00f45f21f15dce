"""What a text is to be colored by, from the words in which somebody asks for it."""

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
"""What each character cost the model: a quantity without a neuron."""


@dataclass(frozen=True)
class Subject:
    """A neuron's quantity, or surprise."""

    quantity: str
    layer: int = 1
    unit: int = 0

    @classmethod
    def of(cls, unit: str, quantity: str, shape: Architecture) -> Subject:
        """Of a neuron named as `1/37`, and a quantity: without one the cell, or hidden where there is none.

        Surprise needs no neuron. Raises OptionError.
        """
        quantities = QUANTITIES[shape.cell]
        quantity = quantity or ("cell" if "cell" in quantities else "hidden")
        if quantity == SURPRISE:
            return cls(SURPRISE)
        if quantity not in quantities:
            known = ", ".join((*quantities, SURPRISE))
            raise OptionError(f"there is no quantity {safe(quantity)} in {shape.title}; there are {known}")
        neurons = f"1/0 to {shape.layers}/{shape.hidden_size - 1}"
        if not unit:
            raise OptionError(f"the unit is missing: name a neuron, {neurons}, or ask for {SURPRISE}")
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", unit)
        layer, number = (int(match[1]), int(match[2])) if match else (0, 0)
        if not (1 <= layer <= shape.layers and number < shape.hidden_size):
            raise OptionError(f"there is no neuron {safe(unit)}; there are {neurons}, as LAYER/UNIT")
        return cls(quantity, layer, number)

    def selection(self, trace: Trace) -> Selection:
        """A trace, looked at so."""
        if self.quantity == SURPRISE:
            return Selection(trace, coloring="surprise")
        return Selection(trace, layer=self.layer, unit=self.unit, quantity=self.quantity)


def model_facts(path: Path, header: Header) -> Facts:
    """A model's name, shape, size and losses, as far as its file tells them."""
    facts = [path.name, header.architecture.title, f"{header.parameters:,} parameters"]
    if isinstance(step := header.training.get("step"), int):
        facts.append(f"step {step:,}")
    for name, key in (("train", "train_nats"), ("held out", "held_out_nats")):
        if isinstance(loss := header.training.get(key), float):
            facts.append(f"{name} {loss:.4f} nats")
    return tuple(facts)

"""Layers, units and quantities as queries name them: layers count from 1, units from 0, as in `2/37`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.errors import OptionError, TextError
from rnnscope.network.architecture import GATES, QUANTITIES, Architecture
from rnnscope.tracing.trace import as_shown

if TYPE_CHECKING:
    from rnnscope.analysis.query import Context

AUTO = "auto"
"""The quantity that holds the memory of a network: the cell state if it has one, else the hidden state."""

_UNIT = re.compile(r"(\d+)/(\d+)")
_STRETCH_BYTES = 64 << 20
_SHORTEST = 16_384
"""Characters per part of `layer_values`: as many as fit in about 64 MB, and at least this many."""


def quantity_of(architecture: Architecture, quantity: str) -> str:
    """The quantity of a query; `auto` is the memory of the network.

    Raises OptionError for a quantity that the cells of the network do not have.
    """
    recorded = QUANTITIES[architecture.cell]
    if quantity == AUTO:
        return "cell" if "cell" in recorded else "hidden"
    if quantity not in recorded:
        known = ", ".join(recorded)
        raise OptionError(f"{architecture.title} has no quantity {quantity}; there are {known}")
    return quantity


def value_range(quantity: str) -> tuple[float, float]:
    """The range of a quantity as displayed: gates 0..1, everything else −1..1."""
    return (0.0, 1.0) if quantity in GATES else (-1.0, 1.0)


def check_layer(architecture: Architecture, layer: int) -> None:
    """Raise OptionError for a layer that the network does not have."""
    if not 1 <= layer <= architecture.layers:
        raise OptionError(f"there is no layer {layer} in {architecture.title}; layers count from 1")


def check_unit(architecture: Architecture, layer: int, unit: int) -> None:
    """Raise OptionError for a unit that the network does not have."""
    check_layer(architecture, layer)
    if not 0 <= unit < architecture.hidden_size:
        last = architecture.hidden_size - 1
        raise OptionError(f"there is no unit {layer}/{unit} in {architecture.title}; units are 0 to {last:,}")


def unit_of(name: str) -> tuple[int, int]:
    """The layer and the unit of a name such as `2/37`. Raises OptionError for anything else."""
    match = _UNIT.fullmatch(name)
    if match is None:
        raise OptionError(f"{name} is not a unit; name one as LAYER/UNIT, such as 1/37")
    return int(match[1]), int(match[2])


def unit_values(
    context: Context, layer: int, unit: int, quantity: str, characters: int
) -> NDArray[np.float32]:
    """(n,) float32, the displayed values of one unit for the first `characters`; 0 reads all.

    The text is read as parallel streams; only the values are kept, 4 bytes per character. Raises Cancelled,
    and TextError if there are no characters.
    """
    reader, progress = context.reader, context.progress
    length = reader.length(progress.part(0.0, 0.0))
    stop = min(characters or length, length)
    if not stop:
        raise TextError("the text is empty: there are no positions to read")
    if reader.model is None:
        return reader.trace(0, stop).shown(layer, quantity, unit)
    values = np.empty(stop, np.float32)
    for batch in reader.streams(0, stop, progress.part(0.0, 0.0)).batches(progress=progress):
        of_unit = batch.activations[f"{layer}/{quantity}"][:, :, unit]
        values[batch.positions] = of_unit.float().cpu().numpy()
    return as_shown(values, quantity, context.architecture)


def layer_values(
    context: Context,
    layers: Sequence[int],
    quantity: str,
    characters: int,
    *,
    stretch_bytes: int = _STRETCH_BYTES,
) -> Iterator[NDArray[np.float32]]:
    """The displayed values of all units of some layers, in consecutive parts (n, layers · H).

    characters: the number of characters; 0 reads all. stretch_bytes: the approximate size of a part. Each
    part is read as parallel streams. Raises Cancelled.
    """
    reader, progress = context.reader, context.progress
    length = reader.length(progress.part(0.0, 0.0))
    stop = min(characters or length, length)
    units = context.architecture.hidden_size * len(layers)
    size = max(_SHORTEST, stretch_bytes // (4 * units))
    for first in range(0, stop, size):
        last = min(first + size, stop)
        if reader.model is None:
            trace = reader.trace(first, last)
            yield np.concatenate([trace.shown(layer, quantity) for layer in layers], axis=1)
            continue
        values = np.empty((last - first, units), np.float32)
        part = progress.part(first / stop, last / stop)
        for batch in reader.streams(first, last, part.part(0.0, 0.0)).batches(progress=part):
            of_layers = [batch.activations[f"{layer}/{quantity}"] for layer in layers]
            rows = np.concatenate([of_layer.float().cpu().numpy() for of_layer in of_layers], axis=2)
            values[batch.positions - first] = rows
        yield as_shown(values, quantity, context.architecture)

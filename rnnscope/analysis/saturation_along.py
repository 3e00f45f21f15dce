"""How often each gate stands open or shut over a text of any length: its lanes are read side by side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.lanes import LANES, Lanes, readers
from rnnscope.analysis.saturation import OPEN_ABOVE, SHUT_BELOW, Counts, Saturation
from rnnscope.analysis.stopping import Stop
from rnnscope.network.model import CharRNN
from rnnscope.tracing.trace import is_gate


def saturation_along(
    model: CharRNN,
    ids: NDArray[np.integer],
    *,
    lanes: int = LANES,
    told: Callable[[float], None] | None = None,
    should_stop: Stop | None = None,
) -> Saturation:
    """Count over `ids` (T,), all but fewer characters than there are lanes.

    `told` hears the share that is done. Raises Stopped.
    """
    cut = Lanes.over(len(ids), lanes)
    for reader in readers(model, ids, cut, should_stop):
        counts = Counts()
        for first, recorded in reader.read():
            steps = min(reader.steps, cut.length - first)
            counts.positions += steps * len(cut)
            for name, values in recorded.items():
                if is_gate(name.split("/")[1]):
                    ends = (values < SHUT_BELOW).sum(dim=(0, 1)), (values > OPEN_ABOVE).sum(dim=(0, 1))
                    counts.add(name, *(each.cpu().numpy() for each in ends))
            if told is not None:
                told((first + steps) / cut.length)
    return counts.shares()

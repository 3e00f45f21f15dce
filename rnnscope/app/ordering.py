"""Row orders of the heat map.

slowest    by autocorrelation at lag 4; see slowness.py
similar    clustered by correlation; see analysis/similarity.py
index      by unit number
table      the order of the neuron table: by a score, a feature, saturation, …
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.similarity import by_similarity
from rnnscope.app.slowness import slowest_first
from rnnscope.tracing.trace import Trace

Kind: TypeAlias = Literal["slowest", "similar", "index", "table"]

KINDS: Mapping[Kind, str] = {
    "slowest": "slowest first",
    "similar": "similar ones together",
    "index": "by index",
    "table": "as in the table",
}


@dataclass(frozen=True, eq=False)
class Order:
    """Units in an order, and the trace and layer that it was computed from."""

    units: NDArray[np.intp]
    kind: Kind
    layer: int
    trace: Trace

    @classmethod
    def of(cls, kind: Kind, trace: Trace, layer: int) -> Order:
        """The order of a layer's units along a trace; for `table` it is the index order."""
        if kind == "slowest":
            units = slowest_first(trace.shown(layer, "hidden"))
        elif kind == "similar":
            units = by_similarity(trace.shown(layer, "hidden"))
        else:
            units = np.arange(trace.architecture.hidden_size)
        return cls(units.astype(np.intp), kind, layer, trace)

    def holds_for(self, kind: Kind, trace: Trace, layer: int) -> bool:
        """Whether the order is still valid: same network, layer and text, and fewer than twice the steps."""
        return (
            (kind, layer) == (self.kind, self.layer)
            and trace.architecture == self.trace.architecture
            and self.trace.step <= trace.step < 2 * max(self.trace.step, 1)
            and np.array_equal(trace.ids, self.trace.ids)
        )

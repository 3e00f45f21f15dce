"""rnnscope: a microscope for recurrent networks that lives in a terminal.

model = rnnscope.load("shakespeare")
trace = model.trace("To be, or not to be")
trace["1/cell"]                                 # (T, H) float32
rnnscope.find(model, text, feature="quotes")    # which neurons know
rnnscope.train("input.txt", minutes=5)          # a model of one's own
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# OpenMP's threads wait for each other by spinning. Where a third process is busy, one spins while its partner
# is off the core, and everything runs 15 times slower; a short spin before sleeping costs nothing. It has to
# be said before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

if TYPE_CHECKING:
    from rnnscope.api import Model, find, load, trace, train

__all__ = ["Model", "find", "load", "trace", "train"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """The public names, imported when first asked for: the screens need this package without torch."""
    if name in __all__:
        from rnnscope import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Reading numbers that were typed."""

from __future__ import annotations

import math


def number(text: str) -> float | None:
    """A finite number, with a point or a comma; None where it is not one."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None

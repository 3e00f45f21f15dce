"""Reading numbers that were typed."""

from __future__ import annotations

import math


def number(text: str) -> float | None:
    """Parse a finite number, with a decimal point or comma; None if the text is not one."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None

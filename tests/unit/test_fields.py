"""A result without lines of its own is shown as its fields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from rnnscope.analysis.query import Result
from rnnscope.render.fields import report
from rnnscope.render.output import print_report


@dataclass(frozen=True)
class Part:
    name: str
    share: float


@dataclass(frozen=True, eq=False)
class Everything(Result):
    count: int
    text: str
    parts: tuple[Part, ...]
    values: NDArray[np.float64]
    table: NDArray[np.float64]


def test_every_kind_of_field_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    values = np.zeros(20)
    values[[7, 3]] = 0.5, 0.25
    result = Everything(1234, "a\x1b[31mb", (Part("quotes", 0.123456),), values, np.zeros((2, 3)))
    print_report(report(result), Console(width=80))
    out, _ = capsys.readouterr()
    assert "1,234" in out
    assert "\x1b" not in out
    assert "name quotes, share 0.1235" in out
    assert "7: 0.5, 3: 0.25, 0: 0" in out
    assert "of 20" in out
    assert "array of shape (2, 3)" in out

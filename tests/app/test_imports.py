"""The screens are there before torch is: only the work behind them imports it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("screen", ["train", "inspect", "replay", "learn"])
def test_a_screen_is_imported_without_torch(screen: str) -> None:
    code = (
        f"import sys, rnnscope.app.app, rnnscope.app.screens.{screen}; "
        "print({'torch', 'rnnscope.training.trainer'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"

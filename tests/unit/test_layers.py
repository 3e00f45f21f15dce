"""Arrows run one way: what pyproject.toml forbids to be imported is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_no_layer_imports_what_it_must_not(repository: Path) -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout

"""What every test may use."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

import pytest

# One thread a test, said before torch is imported: what is computed is small, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Nothing is remembered from one test to the next; see `rnnscope.state`.
os.environ["RNNSCOPE_STATE"] = ""

# Nor does a test read the configuration of whoever runs it, or write into their directories.
os.environ["RNNSCOPE_CONFIG"] = ""
_HOME = tempfile.TemporaryDirectory(prefix="rnnscope-tests-")
for _kind in ("CONFIG", "STATE", "DATA"):
    os.environ[f"XDG_{_kind}_HOME"] = f"{_HOME.name}/{_kind.lower()}"

# Screens allocate many small objects: with the usual threshold a quarter of the time is garbage collection.
gc.set_threshold(100_000, 20, 20)

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return _ROOT


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The directory of texts too large to be part of the project; tests that need it skip without it."""
    directory = Path(os.environ.get("RNNSCOPE_CORPORA", _ROOT.parent / "shared" / "data"))
    if not directory.is_dir():
        pytest.skip(f"no texts at {directory}; set RNNSCOPE_CORPORA")
    return directory

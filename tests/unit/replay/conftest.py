"""A run that other code trained."""

from __future__ import annotations

import pytest

from tests.scripted_run import ScriptedRun, write_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> ScriptedRun:
    return write_run(tmp_path_factory.mktemp("scripted"))

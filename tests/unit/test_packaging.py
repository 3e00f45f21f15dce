"""What is installed is what stands here."""

from __future__ import annotations

import tomllib
from pathlib import Path


def test_every_package_is_named_to_be_installed(repository: Path) -> None:
    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    here = {
        ".".join(file.parent.relative_to(repository).parts)
        for file in (repository / "rnnscope").rglob("__init__.py")
    }
    assert set(settings["tool"]["setuptools"]["packages"]) == here | {"rnnscope.sample_models"}


def test_make_installs_the_exact_torch_and_textual(repository: Path) -> None:
    constraints = (repository / "constraints.txt").read_text(encoding="utf-8")
    for name in ("torch", "textual"):
        assert any(line.startswith(f"{name}==") for line in constraints.splitlines())
    assert "--constraint constraints.txt" in (repository / "Makefile").read_text(encoding="utf-8")

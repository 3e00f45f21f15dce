"""The examples of the public API run, and every public object has one."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import rnnscope


def _examples(name: str) -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(recurse=False)
    value = getattr(rnnscope, name)
    return [test for test in finder.find(value, name) if test.examples]


def _is_result(name: str) -> bool:
    """Whether a public object is a result or a part of one: the example of its query shows it."""
    value = getattr(rnnscope, name)
    is_of_analysis = value.__module__.startswith("rnnscope.analysis.")
    is_base = value in (rnnscope.Query, rnnscope.Result)
    return is_of_analysis and not is_base and not issubclass(value, rnnscope.Query)


@pytest.mark.parametrize("name", sorted(rnnscope.__all__))
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in _examples(name):
        output: list[str] = []
        assert runner.run(example, out=output.append).failed == 0, "".join(output)


@pytest.mark.parametrize("name", sorted(rnnscope.__all__))
def test_every_public_object_is_documented_and_has_an_example(name: str) -> None:
    documentation = getattr(rnnscope, name).__doc__
    assert documentation
    assert not documentation.startswith(f"{name}("), "the docstring is the one that dataclasses generate"
    assert _is_result(name) or _examples(name)

"""The examples of the public API run, and every public object has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import rnnscope


def _examples(name: str) -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(recurse=False)
    value = getattr(rnnscope, name)
    return [test for test in finder.find(value, name) if test.examples]


def _query_of(name: str) -> str | None:
    """The query that returns a public result, or one of its parts: the only one of the same module."""
    module = importlib.import_module(getattr(rnnscope, name).__module__)
    queries = [
        key
        for key, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, rnnscope.Query)
        and value.__module__ == module.__name__
        and key in rnnscope.__all__
    ]
    return queries[0] if len(queries) == 1 else None


@pytest.mark.parametrize("name", sorted(rnnscope.__all__))
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in _examples(name):
        output: list[str] = []
        assert runner.run(example, out=output.append).failed == 0, "".join(output)


@pytest.mark.parametrize("name", sorted(rnnscope.__all__))
def test_every_public_object_has_an_example(name: str) -> None:
    """A result and its parts are shown by the example of their query."""
    query = _query_of(name)
    assert _examples(name) or (query is not None and _examples(query))

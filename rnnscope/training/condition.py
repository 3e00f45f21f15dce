"""Conditions on runs, typed as words: `lstm hidden_size>=256 best<1.5`.

A word without an operator is a part of the run's name. An option is compared with a value of its type; also
`best` (the lowest validation loss in nats), `step` and `state` can be compared.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rnnscope.errors import OptionError, suggestion
from rnnscope.training.overview import RunOverview

_COMPARISON = re.compile(r"([A-Za-z][\w-]*)(<=|>=|!=|==|=|<|>)(.*)")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_OF_RUNS = ("best", "step", "state", "name")


def matching(runs: Iterable[RunOverview], words: str) -> tuple[RunOverview, ...]:
    """The runs that meet all conditions. Raises OptionError for an unknown option or an unsuitable value."""
    every = tuple(runs)
    known = sorted({name for run in every for name in run.options} | {*_OF_RUNS})
    tests = [_test(word, known) for word in words.split()]
    return tuple(run for run in every if all(test(run) for test in tests))


def _test(word: str, known: list[str]) -> Callable[[RunOverview], bool]:
    comparison = _COMPARISON.fullmatch(word)
    if comparison is None:
        return lambda run: word.lower() in run.name.lower()
    name, sign, value = comparison[1].replace("-", "_"), comparison[2], comparison[3]
    if name not in known:
        raise OptionError(f"runs have no option {name}; {suggestion(name, known)}")

    def test(run: RunOverview) -> bool:
        return _holds(value_of(run, name), sign, value, name)

    return test


def value_of(run: RunOverview, name: str) -> Any:
    """An option of a run, or its best loss, step, state or name; None if it has none."""
    match name:
        case "best":
            return None if run.best is None else run.best[1]
        case "step":
            return run.step
        case "state":
            return run.state
        case "name":
            return run.name
    return run.options.get(name)


def _holds(own: Any, sign: str, value: str, name: str) -> bool:
    """Compare a value with a typed one, as numbers if it is a number, else as words."""
    if own is None or isinstance(own, bool | str) or value.lower() == "none":
        if sign in ("=", "==", "!="):
            return _OPERATORS[sign](str(own).lower(), value.lower())
        if own is None:
            return False
        raise OptionError(f"{name} is a word: compare it by = or !=")
    try:
        number = float(value)
    except ValueError:
        raise OptionError(f"{name} is a number, which {value!r} is not") from None
    return _OPERATORS[sign](float(own), number)

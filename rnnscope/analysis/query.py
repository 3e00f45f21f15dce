"""Queries and results: the interface of every analysis.

An analysis is one module: a frozen `Query`, whose fields are its options and whose `run` is its computation,
and a frozen `Result`. `Session.ask(query)` computes the result for notebooks, the command line, `--json`
and the screens.

    @dataclass(frozen=True)
    class Longest(Query["LongestResult"]):
        \"\"\"The longest line of the text.\"\"\"

        name = "longest"
        activity = "reading lines"

        characters: int = 0

        def run(self, context: Context) -> LongestResult: ...

The fields' docstrings are the help of the command's options, and `Result.to_dict` is what `--json` prints.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from rnnscope.errors import OptionError
from rnnscope.progress import NO_PROGRESS, Progress

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture
    from rnnscope.network.model import CharRNN
    from rnnscope.tracing.reader import TextReader

R = TypeVar("R", bound="Result")


@dataclass(frozen=True)
class Result:
    """The result of a query: a frozen dataclass, documented in its class and displayed in notebooks.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 4)
        >>> result = session.ask(rnnscope.Saturation(characters=20))
        >>> sorted(result.to_dict())
        ['gates', 'high', 'low', 'positions']
    """

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values: arrays as lists, NaN and infinities as None."""
        return {field.name: as_json(getattr(self, field.name)) for field in dataclasses.fields(self)}

    def _repr_html_(self) -> str:
        # `rnnscope.render` depends on the analyses; imported by name, the dependency stays one-way.
        html: str = importlib.import_module("rnnscope.render").to_html(self)
        return html


@dataclass(frozen=True)
class Query(Generic[R]):
    """A query about a model and a text: a frozen dataclass. Queries with equal fields are equal.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 4)
        >>> query = rnnscope.Saturation(low=0.05, characters=20)
        >>> session.ask(query).positions
        20
    """

    name: ClassVar[str]
    """The name of the analysis on the command line and in JSON, such as `saturation`."""
    activity: ClassVar[str] = "analyzing"
    """The label of the progress line while it runs, such as `reading gates`."""
    kept_as: ClassVar[type[Result] | None] = None
    """The class of its results if a session keeps them on disk; JSON must hold all their fields."""
    example: ClassVar[str] = ""
    """Options for the example in the command's help: all that are required, such as `--layer 1 --unit 41`."""

    def check(self, architecture: Architecture) -> None:
        """Raise OptionError for a field that is out of range or does not fit the network."""

    def accepts(self, result: R, architecture: Architecture) -> bool:
        """Return True if a result that was read from disk can be one of this query's."""
        return True

    def run(self, context: Context) -> R:
        """Compute the result. Raises RnnscopeError for errors that the user can correct, and Cancelled."""
        raise NotImplementedError


@dataclass(frozen=True)
class Context:
    """The inputs of a query."""

    reader: TextReader
    """The text, and the activations of any part of it."""
    architecture: Architecture
    """The network's architecture, which is also known for a trace without a model."""
    progress: Progress
    _ask: Callable[[Query[Any], Progress], Any]
    training_text: Callable[[], str | None]
    """The training split of the text that the model was trained on; None if it is not available."""
    model_name: str = "model"
    """The name of the model, as in titles."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The training options that the model's file records."""

    @property
    def model(self) -> CharRNN:
        """The network. Raises OptionError for a trace without a model."""
        model = self.reader.model
        if model is None:
            raise OptionError("this analysis needs a model, but only a trace is available")
        return model

    def ask(self, query: Query[R], progress: Progress = NO_PROGRESS) -> R:
        """The result of another query, computed once for the whole session."""
        answer: R = self._ask(query, progress)
        return answer


def as_json(value: Any) -> Any:
    """A value of a result as a JSON value. Raises TypeError for unsupported types."""
    if isinstance(value, Result):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: as_json(getattr(value, each.name))
            for each in dataclasses.fields(value)
            if each.compare
        }
    if isinstance(value, np.ndarray | np.generic):
        return as_json(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [as_json(each) for each in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"JSON cannot hold {type(value).__name__}")


def check_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Raise OptionError for a field whose value is not within low..high."""
    if not low <= value <= high:
        limits = f"at least {low:,g}" if high == float("inf") else f"from {low:,g} to {high:,g}"
        raise OptionError(f"--{name.replace('_', '-')} is {value:,g}, but must be {limits}")

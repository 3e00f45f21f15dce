"""How the inspect screen begins: with a neuron, a place, a panel and a search.

    rnnscope inspect M --neuron 1/116 --quantity cell --at 5018 --view ablate --find quotes

What is not given is as it was left for this model and this text, or else as the neurons' labels suggest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from rnnscope.analysis.features import FEATURES
from rnnscope.app.notes import has_neuron, name_of, neuron_of
from rnnscope.app.scope import Neuron
from rnnscope.app.search_words import as_query
from rnnscope.app.views import View
from rnnscope.errors import OptionError, similar
from rnnscope.network.architecture import Architecture
from rnnscope.network.cells import CELLS
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.session import Session
from rnnscope.state import recall, remember
from rnnscope.strict_json import JsonError, decode
from rnnscope.text.long import LongText

_SECTION = "inspect"
"""Where `state.json` has the last starts."""
_MOST_REMEMBERED = 100
"""Models and texts whose last start is remembered."""
_DIGESTED = 20_000
"""Characters by which a text is recognized."""


@dataclass(frozen=True)
class Start:
    """What the screen begins with; None and empty leave it open."""

    neuron: Neuron | None = None
    quantity: str | None = None
    position: int | None = None
    view: View | None = None
    search: str = ""
    """A feature or a pattern, as it is typed into the prompt of find."""

    @property
    def chooses(self) -> bool:
        """Whether it says which neuron or which place is shown first."""
        return self.neuron is not None or self.position is not None or bool(self.search)

    def completed(self, last: Start) -> Start:
        """This start, with the parts that it leaves open as in `last`.

        A search chooses the neuron and the place that it finds, unless they are given.
        """
        is_searched = bool(self.search)
        neuron = self.neuron if self.neuron is not None or is_searched else last.neuron
        is_of_last = self.neuron is None and not is_searched
        return Start(
            neuron=neuron,
            quantity=self.quantity or (last.quantity if is_of_last else None),
            position=self.position if self.position is not None or is_searched else last.position,
            view=self.view or last.view,
            search=self.search or last.search,
        )

    def fitting(self, architecture: Architecture) -> Start:
        """This start without a neuron and a quantity that a network lacks."""
        try:
            check_neuron(self.neuron, self.quantity, architecture)
        except OptionError:
            return replace(self, neuron=None, quantity=None)
        return self


def check_neuron(neuron: Neuron | None, quantity: str | None, architecture: Architecture) -> None:
    """Raise OptionError for a neuron or a quantity that a network lacks."""
    if neuron is not None and not has_neuron(architecture, neuron):
        last = name_of((architecture.layers, architecture.hidden_size - 1))
        raise OptionError(f"there is no neuron {name_of(neuron)}; they are 1/0 to {last}")
    quantities = CELLS[architecture.cell].quantities
    if quantity is not None and quantity not in quantities:
        near = similar(quantity, quantities)
        hint = f"did you mean {near}?" if near else f"the {architecture.cell} has {', '.join(quantities)}"
        raise OptionError(f"there is no quantity {quantity}; {hint}")


def check_search(search: str) -> None:
    """Raise OptionError for an invalid expression, and for a word that is nearly a feature's name."""
    query = as_query(search)
    query.target()
    near = similar(search.lower(), FEATURES) if query.pattern is not None and search.isalpha() else None
    if near is not None:
        raise OptionError(f"there is no feature {search}; did you mean {near}? To find the word: ({search})")


def check_position(position: int, text: LongText, progress: Progress = NO_PROGRESS) -> None:
    """Raise OptionError for a position outside a text, which is counted as far as needed."""
    if position < 0:
        raise OptionError(f"there is no position {position:,}; the first is 0")
    known = text.count(position + 1, progress)
    if position >= known:
        raise OptionError(f"there is no position {position:,}; those of {text.name} are 0 to {known - 1:,}")


def last_start(session: Session) -> Start:
    """How the screen was left for this model and this text; reads the beginning of the text."""
    value = recall(_SECTION, _key(session))
    if value is None:
        return Start()
    try:
        kept = decode(_Kept, value)
        neuron = neuron_of(kept.neuron) if kept.neuron else None
    except JsonError:
        return Start()  # of another version
    return Start(neuron, kept.quantity, kept.position, kept.view, kept.search)


def remember_start(session: Session, start: Start) -> None:
    """Remember how the screen is left. Raises OSError."""
    kept = _Kept(
        name_of(start.neuron) if start.neuron else "",
        start.quantity,
        start.position,
        start.view,
        start.search,
    )
    remember(_SECTION, _key(session), asdict(kept), most=_MOST_REMEMBERED)


@dataclass(frozen=True)
class _Kept:
    neuron: str = ""
    quantity: str | None = None
    position: int | None = None
    view: View | None = None
    search: str = ""


def _key(session: Session) -> str:
    model = "" if session.cache is None else session.cache.model_digest
    return f"{model[:16]}-{session.text_digest(_DIGESTED)[:16]}"

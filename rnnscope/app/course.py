"""How a score has changed while a network learned: one search of the same question after another."""

from __future__ import annotations

from dataclasses import dataclass

from rnnscope.app.asking.answers import Found
from rnnscope.app.ranking import Known, Neuron
from rnnscope.tracing.trace import Trace


@dataclass(frozen=True)
class Score:
    """What one search said of the best neuron of its step."""

    step: int
    single: float
    null: float


@dataclass(frozen=True, eq=False)
class Course:
    """The last answer to a question, and the scores of all on the same text, oldest first."""

    found: Found
    trace: Trace
    """What the last answer is of."""
    scores: tuple[Score, ...]

    @classmethod
    def begun(cls, found: Found, trace: Trace) -> Course:
        return cls(found, trace, (_score(found, trace),))

    def after(self, found: Found, trace: Trace) -> Course:
        """One answer more. Of another text the scores begin anew, for they cannot be compared."""
        if not self.is_of(trace):
            return Course.begun(found, trace)
        earlier = tuple(score for score in self.scores if score.step < trace.step)
        return Course(found, trace, (*earlier, _score(found, trace)))

    def is_of(self, trace: Trace) -> bool:
        """Whether a trace is of the same text."""
        return len(trace) == len(self.trace) and bool((trace.ids == self.trace.ids).all())

    def known(self, neuron: Neuron) -> Known | None:
        """What a neuron knows of it; None where it is not among the ranked."""
        return dict(self.found.results).get(neuron)


def _score(found: Found, trace: Trace) -> Score:
    return Score(trace.step, found.results[0][1].score if found.results else 0.0, found.null)

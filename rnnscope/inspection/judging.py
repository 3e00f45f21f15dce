"""What a network and n-grams of every order expect of a part of the text, to set them side by side.

    the model's training text is at hand      n-grams learn from it; the text's first characters are judged
    it is not, or begins as the text does     the text's first nine tenths are learned, what follows is judged

N-grams know by heart what they have read. So what is judged is left out of what they learn from, where it
stands in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.compare import Comparison, compare
from rnnscope.analysis.comparison import ORDERS
from rnnscope.app.asking.desk import Ticket
from rnnscope.errors import RnnscopeError, TextError
from rnnscope.inspection.bench import Subject
from rnnscope.progress import Progress
from rnnscope.text.ngram import MOST_CHARACTERS, KneserNey, log_probabilities_by_order
from rnnscope.text.vocabulary import Vocabulary, code_points
from rnnscope.tracing.reader import TextReader, substituting

LONGEST = 20_000
"""Characters that are judged at most."""
SHORTEST = 100
_LEAST_LEARNED = 2000
"""Characters below which n-grams learn nothing worth comparing with."""
_LEARNED_SHARE = 0.9
_PIECE = 2048
_CUT = 100
_PROBES = 9
"""Characters that are looked for at once in what is learned, to be left out of it."""


@dataclass(frozen=True, eq=False)
class Judged:
    """The expectations of a text's characters from `start` on.

    log_probabilities: (N − 1,) the network's ln p of each character after the first. by_order: of each order
    ln p (N,). learned: what the n-grams learned from, one character an id; source: what that is, in words.
    learned_from: where in the text it begins, of what was learned from the text itself.
    """

    start: int
    text: str
    log_probabilities: NDArray[np.float32]
    by_order: tuple[tuple[int, NDArray[np.float64]], ...]
    learned: str
    source: str
    learned_from: int | None

    @cached_property
    def comparison(self) -> Comparison:
        return compare(self.log_probabilities, self.by_order)


def judge(subject: Subject, ticket: Ticket) -> Iterator[float | Judged]:
    """How much is done, 0..1, then what is judged; it ends early once the ticket is dropped.

    Raises TextError where there is nothing to learn from, or too little to judge.
    """
    if subject.judged is not None:
        yield subject.judged
        return
    pages = subject.pages
    lesson = _lesson(subject, ticket)
    if lesson is None:
        return
    read: list[tuple[str, NDArray[np.float32]]] = []
    for done, text, expected in _read(pages, lesson.judged_from, ticket):
        read.append((text, expected))
        yield done / 2
    Progress(is_cancelled=ticket.is_dropped).check()
    text, log_probabilities = "".join(part for part, _ in read), np.concatenate([part for _, part in read])
    if not np.isfinite(log_probabilities).all():
        raise RnnscopeError("the model outputs NaN: its weights have diverged")
    vocabulary = substituting(subject.model.vocabulary)
    learned = lesson.text
    if lesson.learned_from is None:
        learned = without(learned, in_symbols(vocabulary, text))
    if len(learned) < _LEAST_LEARNED:
        raise TextError("the text is what the model learned, and leaves n-grams nothing else to learn from")
    by_order = []
    for order, known in log_probabilities_by_order(
        encode(vocabulary, learned),
        encode(vocabulary, text),
        len(vocabulary),
        ORDERS,
        Progress(is_cancelled=ticket.is_dropped),
    ):
        by_order.append((order, known))
        yield (1 + order / len(ORDERS)) / 2
    if not ticket.is_dropped():
        subject.judged = Judged(
            lesson.judged_from,
            text,
            log_probabilities,
            tuple(by_order),
            learned,
            lesson.source,
            lesson.learned_from,
        )
        yield subject.judged


def differences(
    subject: Subject, judged: Judged, start: int, stop: int, ticket: Ticket
) -> NDArray[np.float32] | None:
    """(stop − start,) nats by which the network expected each character more than the best n-gram.

    The first character of a text is expected by nobody: it has 0. None once the ticket is dropped.
    """
    first = start - judged.start
    if (first >= 1 or start == 0 == judged.start) and stop <= judged.start + len(judged.text):
        whole = np.concatenate(([0.0], judged.comparison.difference)).astype(np.float32)
        return whole[first : stop - judged.start]
    before = max(0, start - judged.comparison.order)  # what the n-gram sees of it, and the network's first
    page = subject.pages.page(before, stop, Progress(is_cancelled=ticket.is_dropped))
    vocabulary = substituting(subject.model.vocabulary)
    learned = judged.learned
    if judged.learned_from is None:
        learned = without(learned, in_symbols(vocabulary, page.text))
    else:
        first, end = (max(0, at - judged.learned_from) for at in (before, stop))
        learned = learned[:first] + learned[end:]
    ids = page.trace.ids
    model = KneserNey.fit(
        encode(vocabulary, learned)[-MOST_CHARACTERS:], len(vocabulary), judged.comparison.order
    )
    expected = page.trace.log_probabilities[np.arange(len(ids) - 1), ids[1:]]
    known = np.concatenate(([0.0], expected - model.log_probabilities(ids)[1:]))
    return known[start - before :].astype(np.float32)


def without(learned: str, text: str) -> str:
    """What is learned but for where `text` stands in it, if it does, in pieces that follow each other."""
    if len(text) < _CUT:
        return learned  # it may well be anybody's
    last = len(text) // _CUT - 1
    for number in range(last + 1):
        end = (number + 1) * _CUT if number < last else len(text)
        learned = learned.replace(text[number * _CUT : end], "", 1)
    return learned


def encode(vocabulary: Vocabulary, text: str) -> NDArray[np.int32]:
    """(T,) ids of a text in which each character is one id, also of a vocabulary of bytes."""
    return vocabulary.encode_code_points(code_points(text))


def in_symbols(vocabulary: Vocabulary, text: str) -> str:
    """The text as the network reads it, with stand-ins for what its vocabulary lacks."""
    return "".join([vocabulary.symbols[i] for i in encode(vocabulary, text).tolist()])


@dataclass(frozen=True)
class _Lesson:
    """What n-grams learn, one character an id, and what that is in words."""

    judged_from: int
    text: str
    source: str
    learned_from: int | None = None
    """Where in the text it begins, if it is a part of it, and then apart from what is judged."""


def _lesson(subject: Subject, ticket: Ticket) -> _Lesson | None:
    """Raises TextError where there is none; None once the ticket is dropped."""
    text = subject.pages.text
    vocabulary = substituting(subject.model.vocabulary)
    trained_on = subject.training_text()
    if trained_on is not None:
        if text.count(SHORTEST) < SHORTEST:
            raise TextError(f"the text has {text.known} characters; {SHORTEST} at least are judged")
        learned = "".join([vocabulary.symbols[i] for i in vocabulary.encode(trained_on).tolist()])
        if not _holds(learned, in_symbols(vocabulary, text.read(0, LONGEST))):
            return _Lesson(0, learned, "the model's training text")
    length = text.count(progress=Progress(is_cancelled=ticket.is_dropped))
    start = int(length * _LEARNED_SHARE)
    if start < _LEAST_LEARNED:
        if trained_on is not None:
            return _Lesson(0, learned, "the rest of the model's training text")
        raise TextError(
            f"n-grams need {_LEAST_LEARNED / _LEARNED_SHARE:,.0f} characters to learn from: open a longer "
            "text (the model's training text is not at hand)"
        )
    first = max(0, start - MOST_CHARACTERS)
    return _Lesson(
        start, in_symbols(vocabulary, text.read(first, start)), f"the first {start:,} characters", first
    )


def _holds(learned: str, text: str) -> bool:
    """Whether the network has learned most of a text: some pieces of it stand there."""
    places = np.linspace(0, max(0, len(text) - _CUT), _PROBES).astype(int).tolist()
    return 2 * sum(text[at : at + _CUT] in learned for at in places) > _PROBES


def _read(pages: TextReader, start: int, ticket: Ticket) -> Iterator[tuple[float, str, NDArray[np.float32]]]:
    """The characters from `start` on, some at once: the share done, they, and ln p of all but the first."""
    last: NDArray[np.float32] | None = None
    stop = min(start + LONGEST, pages.text.count(start + LONGEST))
    for at in range(start, stop, _PIECE):
        page = pages.page(at, min(at + _PIECE, stop), Progress(is_cancelled=ticket.is_dropped))
        rows, ids = page.trace.log_probabilities, page.trace.ids
        expected = rows[np.arange(len(ids) - 1), ids[1:]]
        if last is not None:
            expected = np.concatenate((last[ids[:1]], expected))
        last = rows[-1]
        yield (at + len(ids) - start) / (stop - start), page.text, expected

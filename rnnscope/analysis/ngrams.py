"""Losses of the network and of n-gram models, and the characters at which they differ most.

Karpathy, Johnson & Fei-Fei, *Visualizing and Understanding Recurrent Networks* (arXiv 1506.02078), sections
4.1 and 4.2. A difference is ln p of the network − ln p of the n-gram model of the best order, in nats; above
0 the network assigned a higher probability.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.comparison import CHARACTERS, Comparison, ComparisonResult, Split, differences
from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.errors import OptionError

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture

_AROUND = 60


@dataclass(frozen=True, eq=False)
class Difference:
    """One character and its probabilities under the two models.

    position: of the character. before, character, after: the text around it, up to 60 characters each way.
    network, ngram: its probability under each model. nats: ln network − ln ngram.
    around: (n,) the differences of `before`, the character and `after`; 0 for characters that were not
    evaluated.
    """

    position: int
    before: str
    character: str
    after: str
    network: float
    ngram: float
    nats: float
    around: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NgramsResult(Result):
    """Mean losses in nats per character, and where the network and the best n-gram model differ most.

    split: the evaluated characters, and the text that n-gram models learned. network_nats: the loss of the
    network. by_order: the loss of each order. order: the best order. ngram_nats: its loss.
    ahead: characters with a higher probability under the network, the largest difference first; behind: those
    with a lower probability.
    """

    split: Split
    network_nats: float
    by_order: Mapping[int, float]
    order: int
    ngram_nats: float
    ahead: tuple[Difference, ...]
    behind: tuple[Difference, ...]

    @property
    def ahead_nats(self) -> float:
        """Loss of the best n-gram model − loss of the network, nats per character."""
        return self.ngram_nats - self.network_nats


@dataclass(frozen=True)
class Ngrams(Query[NgramsResult]):
    """Losses of the network and of n-gram models, compared.

    n-gram models have orders 1 to 9. The result lists the characters at which the network and the best one
    differ most.

    Example::

        >>> import rnnscope
        >>> text = "The ledger of the harbor, in order.\\n" * 400
        >>> result = rnnscope.Session(rnnscope.load("archive-lstm"), text).ask(rnnscope.Ngrams(limit=3))
        >>> sorted(result.by_order), len(result.behind)
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], 3)
    """

    name = "ngrams"
    activity = "counting n-grams"
    example = "--limit 10"

    characters: int = CHARACTERS
    """The number of characters to evaluate; 0 evaluates all."""
    train: str = ""
    """The text that n-grams learn; empty for the text that the model was trained on."""
    limit: int = 20
    """The number of characters to list at which the network is ahead, and at which it is behind."""

    def check(self, architecture: Architecture) -> None:
        Comparison(self.characters, self.train).check(architecture)
        check_range("limit", self.limit, 0)

    def run(self, context: Context) -> NgramsResult:
        compared = context.ask(Comparison(self.characters, self.train), context.progress)
        nats = compared.differences
        ranked = np.argsort(-nats, kind="stable")
        ahead = [at for at in ranked[: self.limit].tolist() if nats[at] > 0]
        behind = [at for at in ranked[::-1][: self.limit].tolist() if nats[at] < 0]
        return NgramsResult(
            compared.split,
            compared.network_nats,
            compared.by_order,
            compared.order,
            compared.by_order[compared.order],
            _described(compared, ahead),
            _described(compared, behind),
        )


@dataclass(frozen=True, eq=False)
class NgramPageResult(Result):
    """The difference at every character of a page.

    start: the position of the first character. order: the order of the n-gram model.
    nats: (T,) ln p of the network − ln p of the n-gram model; 0 for the first character of a text, which is
    not predicted.
    """

    start: int
    order: int
    nats: NDArray[np.float32]


@dataclass(frozen=True)
class NgramPage(Query[NgramPageResult]):
    """The difference between the network and the best n-gram model at every character of a page.

    The order is the best one of `Ngrams` with the same fields. Copies of the page are removed from
    the text that n-gram models learn.

    Example::

        >>> import rnnscope
        >>> text = "The ledger of the harbor, in order.\\n" * 400
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), text)
        >>> session.ask(rnnscope.NgramPage(14_000, 14_100)).nats.shape
        (100,)
    """

    name = "ngram-page"
    activity = "counting n-grams"

    start: int
    """The position of the first character."""
    stop: int
    """The position after the last character."""
    characters: int = CHARACTERS
    """The number of characters on which the best order is chosen; 0 takes all."""
    train: str = ""
    """The text that n-grams learn; empty for the text that the model was trained on."""

    def check(self, architecture: Architecture) -> None:
        Comparison(self.characters, self.train).check(architecture)
        check_range("start", self.start, 0)
        if self.stop <= self.start:
            raise OptionError(f"--stop is {self.stop:,}, but must be above --start {self.start:,}")

    def run(self, context: Context) -> NgramPageResult:
        compared = context.ask(Comparison(self.characters, self.train), context.progress.part(0.0, 0.5))
        stop = min(self.stop, context.reader.length())
        nats = differences(context, compared, self.train, self.start, stop)
        return NgramPageResult(self.start, compared.order, nats.astype(np.float32))


def _described(compared: ComparisonResult, numbers: Iterable[int]) -> tuple[Difference, ...]:
    """numbers: indices of evaluated characters."""
    text, nats, lead = compared.before + compared.text, compared.differences, len(compared.before)
    found = []
    for number in numbers:
        at = lead + number
        first, stop = max(0, at - _AROUND), min(len(text), at + 1 + _AROUND)
        unknown = np.zeros(max(0, lead - first))
        around = np.concatenate((unknown, nats[max(0, first - lead) : stop - lead]))
        found.append(
            Difference(
                compared.split.start + number,
                text[first:at],
                text[at],
                text[at + 1 : stop],
                float(np.exp(compared.network_log_probabilities[number])),
                float(np.exp(compared.ngram_log_probabilities[number])),
                float(nats[number]),
                around.astype(np.float32),
            )
        )
    return tuple(found)

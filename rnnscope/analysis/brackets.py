"""Loss at closing brackets and quotes against the distance to the opening one.

Karpathy, Johnson & Fei-Fei, *Visualizing and Understanding Recurrent Networks* (arXiv 1506.02078), section
4.2. An n-gram model cannot see a bracket that was opened further back than its order; a network can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.comparison import CHARACTERS, Comparison, Split
from rnnscope.analysis.query import Context, Query, Result
from rnnscope.analysis.words import CLOSERS, pairs

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture

Double = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Closer:
    """The losses at one closing character, such as `)`, in bins of distance.

    opener, closer: the characters. positions, openers: (P,) of every pair, in the order of the text.
    edges: (B + 1,) distances 1, 2, 4, 8, …; bin b holds those from edges[b] to below edges[b + 1].
    counts: (B,) pairs in each bin. network_nats, ngram_nats: (B,) mean losses; nan where a bin is empty.
    """

    opener: str
    closer: str
    positions: Int
    openers: Int
    edges: Int
    counts: Int
    network_nats: Double
    ngram_nats: Double

    def of_bin(self, number: int) -> Int:
        """The positions of the closing characters in a bin."""
        distance = self.positions - self.openers
        inside = (distance >= self.edges[number]) & (distance < self.edges[number + 1])
        positions: Int = self.positions[inside]
        return positions


@dataclass(frozen=True, eq=False)
class BracketsResult(Result):
    """Mean losses at closing characters by distance, of the network and of the best n-gram model.

    split: the evaluated characters, and the text that n-gram models learned. text: the evaluated characters
    with those before;
    text_start: the position of its first one. order: of the n-gram model.
    closers: one entry for each closing character that occurs in the evaluated text.
    """

    split: Split
    text_start: int
    text: str
    order: int
    closers: tuple[Closer, ...]


@dataclass(frozen=True)
class Brackets(Query[BracketsResult]):
    """Loss at closing brackets by distance to the opening one.

    Closing quotes are included; the loss of the best n-gram model is given for comparison.

    Example::

        >>> import rnnscope
        >>> text = "The ledger (of the harbor), in order.\\n\\n" * 400
        >>> result = rnnscope.Session(rnnscope.load("archive-lstm"), text).ask(rnnscope.Brackets())
        >>> [(closer.closer, closer.counts.tolist()) for closer in result.closers]
        [(')', [0, 0, 0, 40])]
    """

    name = "brackets"
    activity = "counting n-grams"
    example = "--characters 50000"

    characters: int = CHARACTERS
    """The number of characters to evaluate; 0 evaluates all."""
    train: str = ""
    """The text that n-grams learn; empty for the text that the model was trained on."""

    def check(self, architecture: Architecture) -> None:
        Comparison(self.characters, self.train).check(architecture)

    def run(self, context: Context) -> BracketsResult:
        compared = context.ask(Comparison(self.characters, self.train), context.progress)
        text = compared.before + compared.text
        text_start = compared.split.start - len(compared.before)
        found = (
            losses_at(
                text,
                text_start,
                closer,
                compared.network_log_probabilities,
                compared.ngram_log_probabilities,
            )
            for closer in CLOSERS
            if closer in compared.text
        )
        closers = tuple(each for each in found if len(each.positions))
        return BracketsResult(compared.split, text_start, text, compared.order, closers)


def losses_at(
    text: str,
    text_start: int,
    closer: str,
    network_log_probabilities: Double,
    ngram_log_probabilities: Double,
) -> Closer:
    """The losses at every matched `closer` among the last N characters of `text`.

    text_start: the position of the first character of `text`. network_log_probabilities,
    ngram_log_probabilities: (N,) ln p of each of these characters.
    """
    first = len(text) - len(network_log_probabilities)
    found = [pair for pair in pairs(text, closer) if pair[1] >= first]
    openers, closing = np.array(found, np.int64).reshape(-1, 2).T
    distances = closing - openers
    bins = int(distances.max(initial=0)).bit_length()
    edges = 1 << np.arange(bins + 1)
    number = np.searchsorted(edges, distances, side="right") - 1
    counts = np.bincount(number, minlength=bins)

    def mean_nats(log_probabilities: Double) -> Double:
        sums = np.bincount(number, weights=-log_probabilities[closing - first], minlength=bins)
        means: Double = np.divide(sums, counts, out=np.full(bins, np.nan), where=counts > 0)
        return means

    return Closer(
        CLOSERS[closer],
        closer,
        closing + text_start,
        openers + text_start,
        edges,
        counts,
        mean_nats(network_log_probabilities),
        mean_nats(ngram_log_probabilities),
    )

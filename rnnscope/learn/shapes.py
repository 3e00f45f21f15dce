"""One trained model in three shapes: a generator, a classifier and a tagger (CS231n, lecture 10).

    one to many     the model reads one symbol, and writes on from it
    many to one     the state after a document, read out linearly: which kind of document is it?
    many to many    the state after every character, read out linearly: is it inside quotation marks?

The model is not trained further: only the read-outs are, by ridge regression in closed form,

    W = (Xᵀ A X + λ I)⁻¹ Xᵀ A Y

X: (n, D) standardized states. Y: (n, K) one column per class, ±1. A: diagonal, so that all classes have the
same total weight. The read-outs are tested on documents that were not used for them. Documents are generated;
the model has not seen them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.features import values as feature_values
from rnnscope.corpora.archive.documents import KINDS as WRITERS
from rnnscope.corpora.archive.grammar import Chance
from rnnscope.progress import NO_PROGRESS, Progress

if TYPE_CHECKING:
    from rnnscope.network.model import CharRNN

Float = NDArray[np.float64]

KINDS = tuple(sorted({writer.__name__ for writer in WRITERS}))
"""The kinds of documents: ledger, letter, notice, play, program."""
SYMBOLS = ("/", "[", '"', "#", "D", "\n")
"""First symbols of different kinds of text."""
READ, _OF_EACH = 160, 64
"""Characters of a document that the classifier reads, and documents of each kind."""
TAGGED, _TAGGED_OF_EACH = 900, 8
"""Characters of a document that the tagger reads, and documents of each kind."""
_RIDGES = (100.0, 10.0)
"""The penalties of the classifier and of the tagger."""
_SEEDS = (20_001, 20_002)
"""The generator's seeds of the documents to learn from and to test on."""


@dataclass(frozen=True)
class Documents:
    """Beginnings of documents, all of one length, and the numbers of their kinds."""

    texts: tuple[str, ...]
    kinds: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ReadOut:
    """A linear read-out of states: scores = (x − mean) / scale · weight + bias.

    mean, scale: (D,). weight: (D, K). bias: (K,).
    """

    mean: Float
    scale: Float
    weight: Float
    bias: Float

    def scores(self, states: NDArray[np.floating]) -> Float:
        """(n, K) the scores of states (n, D); the class has the highest."""
        found: Float = (states - self.mean) / self.scale @ self.weight + self.bias
        return found

    def shares(self, states: NDArray[np.floating]) -> Float:
        """(n, K) softmax of four times the scores, which are within about −1..1."""
        scores = 4 * self.scores(states)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: Float = shares / shares.sum(axis=1, keepdims=True)
        return found


@dataclass(frozen=True, eq=False)
class Classifier:
    """A read-out of the last state, with its accuracy on the test documents, 0..1."""

    read_out: ReadOut
    accuracy: float
    tested: Documents
    guesses: tuple[int, ...]
    """The kind that it gives to each test document."""


@dataclass(frozen=True, eq=False)
class Tagger:
    """A read-out of the state after every character: inside quotation marks or not.

    accuracy: the share of characters of the test documents that are tagged right, 0..1. recall: the share of
    those inside that are found. share: of those inside.
    """

    read_out: ReadOut
    accuracy: float
    recall: float
    share: float
    tested: Documents


def documents(of_each: int = _OF_EACH, length: int = READ, seed: int = 0) -> Documents:
    """The first `length` characters of `of_each` generated documents of each kind."""
    writers = {writer.__name__: writer for writer in WRITERS}
    chance = Chance(seed)
    texts, kinds = [], []
    for number, kind in enumerate(KINDS):
        wanted = of_each
        while wanted:
            text = writers[kind](chance)
            if len(text) >= length:
                texts.append(text[:length])
                kinds.append(number)
                wanted -= 1
    return Documents(tuple(texts), tuple(kinds))


def fit(states: NDArray[np.floating], classes: Sequence[int], count: int, ridge: float) -> ReadOut:
    """Ridge regression of ±1 targets of `count` classes on states (n, D); every class has the same weight."""
    x, numbers = np.asarray(states, np.float64), np.array(classes)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    x = (x - mean) / scale
    targets = np.where(numbers[:, None] == np.arange(count), 1.0, -1.0)
    weights = len(numbers) / (count * np.maximum(np.bincount(numbers, minlength=count), 1))[numbers]
    # The intercept is a column of ones that is not penalized.
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = ridge * np.diag([*np.ones(x.shape[1]), 0.0])
    weighted = ones * weights[:, None]
    solved = np.linalg.solve(weighted.T @ ones + penalty, weighted.T @ targets)
    return ReadOut(mean, scale, solved[:-1], solved[-1])


def states_along(network: CharRNN, texts: Sequence[str], progress: Progress = NO_PROGRESS) -> Float:
    """(T, B, D) the states of all layers after every character of B texts of T characters.

    They are the hidden states h and, of an LSTM, tanh(c). Characters that the vocabulary lacks are read as
    its first symbol. Raises Cancelled.
    """
    import torch

    ids = np.stack([_ids(network, text) for text in texts], axis=1)
    hidden = []
    with torch.no_grad():
        values = network.embed(torch.from_numpy(ids.astype(np.int64)))
        for cell, state in zip(network.layers, network.initial_state(len(texts)), strict=True):
            progress.check()
            values, *memory = cell.states(values, state)
            hidden += [values, *map(torch.tanh, memory)]
    found: Float = torch.cat(hidden, dim=2).numpy().astype(np.float64)
    return found


def classifier(network: CharRNN, progress: Progress = NO_PROGRESS) -> Classifier:
    """Learn to tell the kinds of documents, and test it. Raises Cancelled."""
    learned, tested = (documents(seed=seed) for seed in _SEEDS)
    last = states_along(network, learned.texts, progress)[-1]
    read_out = fit(last, learned.kinds, len(KINDS), _RIDGES[0])
    progress(0.5)
    guesses = read_out.scores(states_along(network, tested.texts, progress)[-1]).argmax(axis=1)
    progress(1.0)
    accuracy = float((guesses == np.array(tested.kinds)).mean())
    return Classifier(read_out, accuracy, tested, tuple(guesses.tolist()))


def tagger(network: CharRNN, progress: Progress = NO_PROGRESS) -> Tagger:
    """Learn to tag the characters inside quotation marks, and test it. Raises Cancelled."""
    learned, tested = (documents(_TAGGED_OF_EACH, TAGGED, seed) for seed in _SEEDS)
    states = states_along(network, learned.texts, progress)
    read_out = fit(states.reshape(-1, states.shape[2]), _tags(learned.texts), 2, _RIDGES[1])
    progress(0.5)
    states = states_along(network, tested.texts, progress)
    guesses = read_out.scores(states.reshape(-1, states.shape[2])).argmax(axis=1)
    tags = np.array(_tags(tested.texts))
    progress(1.0)
    accuracy, recall = (guesses == tags).mean(), guesses[tags == 1].mean()
    return Tagger(read_out, float(accuracy), float(recall), float(tags.mean()), tested)


def belief(network: CharRNN, read_out: ReadOut, text: str) -> Float:
    """(T, K) the shares of the classes after every character of a text."""
    return read_out.shares(states_along(network, [text])[:, 0])


def tags(text: str) -> NDArray[np.bool_]:
    """(T,) whether each character is inside quotation marks."""
    found: NDArray[np.bool_] = feature_values(text, ["quotes"])["quotes"].astype(np.bool_)
    return found


def _tags(texts: Sequence[str]) -> list[int]:
    """The tags of all texts, in the order of their states: one character of each after another."""
    found: list[int] = np.stack([tags(text) for text in texts], axis=1).astype(int).ravel().tolist()
    return found


def _ids(network: CharRNN, text: str) -> NDArray[np.int32]:
    known = {symbol: number for number, symbol in enumerate(network.vocabulary.symbols)}
    return np.array([known.get(symbol, 0) for symbol in text], np.int32)

"""Networks built by hand whose units are detectors, among units that are not."""

from __future__ import annotations

import numpy as np
import torch

from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

QUOTES, COLUMN, DEPTH, ROUND, SQUARE = 5, 11, 2, 7, 13
SIZE = 16
_SURE = 30.0
_INPUT, _FORGET, _CANDIDATE, _OUTPUT = range(4)


def text_of(characters: int, seed: int = 0) -> str:
    """Words in lines and paragraphs, with quotations, and brackets of two kinds and two depths."""
    random = np.random.default_rng(seed)
    parts: list[str] = []
    inside: list[str] = []
    in_quotes, column, written = False, 0, 0
    while written < characters:
        word = "".join(random.choice(list("abcdefgh"), random.integers(2, 8)))
        chance = random.random()
        if chance < 0.04:
            word, in_quotes = ('"' + word, True) if not in_quotes else (word + '"', False)
        elif chance < 0.12 and len(inside) < 2:
            bracket = "(" if random.random() < 0.5 else "["
            word = bracket + word
            inside.append(")" if bracket == "(" else "]")
        elif chance < 0.22 and inside:
            word += inside.pop()
        elif chance < 0.27:
            word = word.capitalize() + "."
        column += len(word) + 1
        is_full = column > random.integers(30, 70)
        ends_paragraph = is_full and not inside and not in_quotes and random.random() < 0.2
        word += "\n\n" if ends_paragraph else "\n" if is_full else " "
        column = 0 if is_full else column
        parts.append(word)
        written += len(word)
    return "".join(parts)[:characters]


def planted_lstm(vocabulary: Vocabulary, *, seed: int = 0) -> CharRNN:
    """An LSTM of 16 units: quotes at 5, the column, falling, at 11, bracket depth at 2, ( at 7, [ at 13."""
    network = CharRNN(
        Architecture(cell="lstm", vocabulary_size=len(vocabulary), hidden_size=SIZE),
        vocabulary,
        generator=torch.Generator().manual_seed(seed),
    )
    weight = network.layers[0].tensors()
    rows = torch.arange(4 * SIZE).view(4, SIZE)
    ids = {symbol: vocabulary.symbols.index(symbol) for symbol in '"\n()[]'}
    with torch.no_grad():
        for unit in (QUOTES, COLUMN, DEPTH, ROUND, SQUARE):
            for block in rows[:, unit].tolist():
                weight["weight_hh"][block] = 0
                weight["weight_ih"][block] = 0
                weight["bias_ih"][block] = 0
            weight["weight_hh"][:, unit] = 0  # nobody listens to it
            weight["bias_ih"][rows[_FORGET, unit]] = _SURE
            weight["bias_ih"][rows[_OUTPUT, unit]] = _SURE
            weight["bias_ih"][rows[_INPUT, unit]] = -_SURE
        _listen(weight, rows, QUOTES, [ids['"']], forgets=True)
        candidate = rows[_CANDIDATE, QUOTES]
        weight["bias_ih"][candidate] = _SURE  # after a quote it is 1, and after the next −1
        weight["weight_hh"][candidate, QUOTES] = -2 * _SURE / float(torch.tanh(torch.tensor(1.0)))
        _listen(weight, rows, COLUMN, range(len(vocabulary)), forgets=False)
        weight["bias_ih"][rows[_CANDIDATE, COLUMN]] = -0.02
        weight["weight_ih"][rows[_FORGET, COLUMN], ids["\n"]] = -2 * _SURE
        weight["weight_ih"][rows[_INPUT, COLUMN], ids["\n"]] = 0
        for unit, opens, closes in ((DEPTH, "([", ")]"), (ROUND, "(", ")"), (SQUARE, "[", "]")):
            _listen(weight, rows, unit, [ids[symbol] for symbol in opens + closes], forgets=False)
            for symbol in opens:
                weight["weight_ih"][rows[_CANDIDATE, unit], ids[symbol]] = 0.3
            for symbol in closes:
                weight["weight_ih"][rows[_CANDIDATE, unit], ids[symbol]] = -0.3
    return network


def _listen(
    weight: dict[str, torch.Tensor], rows: torch.Tensor, unit: int, symbols: object, *, forgets: bool
) -> None:
    """Open the input gate at these symbols, and shut the forget gate where what was kept is replaced."""
    for symbol in symbols:  # type: ignore[attr-defined]
        weight["weight_ih"][rows[_INPUT, unit], symbol] = 2 * _SURE
        if forgets:
            weight["weight_ih"][rows[_FORGET, unit], symbol] = -2 * _SURE


def random_network(
    cell: str, vocabulary: Vocabulary, size: int, seed: int, layers: int = 1, embedding: int = 0
) -> CharRNN:
    """A network that has learnt nothing."""
    return CharRNN(
        Architecture(cell, len(vocabulary), size, layers, embedding),  # type: ignore[arg-type]
        vocabulary,
        generator=torch.Generator().manual_seed(seed),
    )

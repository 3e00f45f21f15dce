"""A network over texts with documents, against each document alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnscope.network.architecture import Architecture, CellName
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole", "coupled", "multiplicative"])
def test_each_document_is_read_as_if_it_were_alone(cell: CellName) -> None:
    generator = torch.Generator().manual_seed(3)
    model = CharRNN(
        Architecture(cell, 6, hidden_size=7, layers=2), Vocabulary.of("abcdef"), generator=generator
    )
    ids = torch.randint(0, 6, (20, 2), generator=generator)
    begins = np.zeros((20, 2), np.bool_)
    begins[[0, 6], 0] = True
    begins[[6, 13], 1] = True
    state = model(torch.randint(0, 6, (5, 2), generator=generator))[1]
    with torch.no_grad():
        logits, last = model(ids, state, begins)
        after = tuple(tuple(part[1:] for part in layer) for layer in state)
        alone = [
            (model(ids[:6, :1])[0], logits[:6, :1]),
            (model(ids[6:, :1])[0], logits[6:, :1]),
            (model(ids[:6, 1:], after)[0], logits[:6, 1:]),
            (model(ids[6:13, 1:])[0], logits[6:13, 1:]),
            (model(ids[13:, 1:])[0], logits[13:, 1:]),
        ]
    for expected, found in alone:
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(last[1][0][1:], model(ids[13:, 1:])[1][1][0], atol=1e-6, rtol=1e-5)

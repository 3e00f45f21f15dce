"""Small networks with every tensor drawn, and a text for them to read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnnscope.network.architecture import Activation, Architecture, CellName
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

Make = Callable[..., CharRNN]
VOCABULARY = Vocabulary.of("abcdefg")


@pytest.fixture(scope="session")
def make_network() -> Make:
    """A network of seven symbols, its weights large enough to matter."""

    def make(
        cell: CellName = "lstm",
        hidden: int = 6,
        layers: int = 2,
        *,
        embedding: int = 0,
        tied: bool = False,
        activation: Activation = "tanh",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
        spread: float = 0.8,
    ) -> CharRNN:
        architecture = Architecture(cell, len(VOCABULARY), hidden, layers, embedding, activation, tied)
        generator = torch.Generator().manual_seed(seed)
        network = CharRNN(architecture, VOCABULARY, generator=generator).to(dtype).eval()
        with torch.no_grad():
            for tensor in network.parameters():
                tensor.normal_(std=spread, generator=generator)
        return network

    return make


@pytest.fixture
def ids() -> NDArray[np.uint8]:
    """Sixty characters."""
    return np.random.default_rng(7).integers(0, len(VOCABULARY), 60).astype(np.uint8)

"""A session with a small random network, for tests of panels whose queries need a model."""

from __future__ import annotations

from functools import lru_cache

import torch

from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary
from tests.app.conftest import PASSAGE

TEXT = PASSAGE * 12
TRAINING_TEXT = PASSAGE.replace("ferry", "harbor").swapcase() + PASSAGE.replace("ell", "all") * 10


@lru_cache(maxsize=4)
def session(text: str = TEXT) -> Session:
    """The session on a text that tests share: it computes labels and scores once."""
    return new_session(text)


def new_session(text: str = TEXT) -> Session:
    """A session on a text; its n-grams learn `TRAINING_TEXT`."""
    return Session(_model(), text, name="a text", training_text=lambda: TRAINING_TEXT)


@lru_cache(maxsize=1)
def _model() -> CharRNN:
    vocabulary = Vocabulary.of(TEXT + TRAINING_TEXT)
    generator = torch.Generator().manual_seed(3)
    model = CharRNN(Architecture("lstm", len(vocabulary), 12, 1), vocabulary, generator=generator)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.normal_(std=0.8, generator=generator)
    return model

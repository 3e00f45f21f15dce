"""The library in three lines: load a model, trace a text, let it write."""

from __future__ import annotations

from pathlib import Path

from rnnscope.architecture import Architecture
from rnnscope.checkpoint import load_model, resolve_model
from rnnscope.model import CharRNN
from rnnscope.sampling import Sampler
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace


class Model:
    """A trained network, to look into and to let write."""

    def __init__(self, network: CharRNN) -> None:
        self.network = network
        """The torch module."""

    @property
    def architecture(self) -> Architecture:
        return self.network.architecture

    @property
    def vocabulary(self) -> Vocabulary:
        return self.network.vocabulary

    def trace(self, text: str | bytes) -> Trace:
        """All quantities of all units along `text`: `model.trace(text)["1/cell"]` is (T, H).

        Raises TextError for a character that the vocabulary lacks.
        """
        return record(self.network, self.vocabulary.encode(text))

    def sample(
        self,
        length: int,
        *,
        prime: str = "",
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> str:
        """`length` characters that follow `prime`, which is not repeated. Raises TextError, OptionError."""
        sampler = Sampler(self.network)
        sampler.feed(self.vocabulary.encode(prime).tolist())
        written = sampler.stream(length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        return self.vocabulary.decode([i for i, _ in written])


def load(model: str | Path, device: str = "cpu") -> Model:
    """The model of a path, a run directory (its best) or a sample model's name. Raises CheckpointError."""
    return Model(load_model(resolve_model(str(model)), device))

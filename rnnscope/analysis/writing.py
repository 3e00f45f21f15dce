"""Continues a text a few characters at a time; units can be clamped, and other ones while it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnscope.analysis.ablation import Clamp
from rnnscope.analysis.clamped import Clamped
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler


class Writer:
    """Samples characters that continue a text.

    Where the clamps change, everything up to there is read again, so that a clamped unit has its value from
    the first character on.
    """

    def __init__(
        self, model: CharRNN, ids: Sequence[int], *, temperature: float = 0.8, seed: int = 0
    ) -> None:
        """ids: what the model reads first. Clamps of the model itself are left out."""
        self._model = model.intact if isinstance(model, Clamped) else model
        self._ids = list(ids)
        self._given = len(self._ids)
        self._temperature = temperature
        self._seed = seed
        self._clamps: tuple[Clamp, ...] = ()
        self._network = self._model
        self._stream: Iterator[tuple[int, float]] | None = None

    @property
    def network(self) -> CharRNN:
        """The model that wrote the last characters: the given one, or a copy with clamps."""
        return self._network

    @property
    def written(self) -> list[int]:
        """The ids of all characters that were written."""
        return self._ids[self._given :]

    def write(self, count: int, clamps: Sequence[Clamp] = ()) -> None:
        """Write the next characters. clamps: the units that are held, and their values.

        Raises RnnscopeError where the weights have diverged.
        """
        if self._stream is None or tuple(clamps) != self._clamps:
            self._clamps = tuple(clamps)
            self._network = Clamped(self._model, clamps) if clamps else self._model
            sampler = Sampler(self._network)
            sampler.feed(self._ids)
            seed = self._seed + len(self._ids) - self._given
            self._stream = sampler.stream(None, temperature=self._temperature, seed=seed)
        for _ in range(count):
            self._ids.append(next(self._stream)[0])

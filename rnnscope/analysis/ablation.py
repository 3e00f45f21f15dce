"""Ablation: clamp units to a value at every step of the run, and measure the change in loss.

Units are clamped during the forward pass: everything that reads a clamped unit sees the clamped value at
every step (`clamped.py` explains how). The change of the loss of every character is the loss with the clamps
minus the loss without them; above 0 the units helped. Its mean has a confidence interval from the means of
consecutive batches, since the losses of neighboring characters are correlated. Two samples from one seed,
without the clamps and with them, show what changes in the text that the model writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.analysis.statistics import mean_interval
from rnnscope.analysis.units import check_unit, unit_of
from rnnscope.errors import OptionError, RnnscopeError, TextError
from rnnscope.network.architecture import QUANTITIES
from rnnscope.progress import Progress
from rnnscope.text.display import counted

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture
    from rnnscope.tracing.reader import TextReader

Float = NDArray[np.float32]
Quantity = Literal["hidden", "cell"]

_PROMPT = 400
"""Characters that both samples read first."""
_LISTED = 8
_AROUND = 40


@dataclass(frozen=True)
class Clamp:
    """A unit and the value that it has at every step.

    layer: from 1. unit: from 0. quantity: "hidden", the output of the unit, within −1..1; or "cell", the cell
    state before the activation; the output gate still applies.
    """

    layer: int
    unit: int
    value: float = 0.0
    quantity: Quantity = "hidden"


@dataclass(frozen=True)
class LossChange:
    """A character with a large change in loss. position: in the text. delta_nats: the change in loss.

    start: of the first character of the excerpt. text: the character and those around it.
    deltas_nats: the change for each character of `text`; 0 for the first character read.
    """

    position: int
    delta_nats: float
    start: int
    text: str
    deltas_nats: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class AblateResult(Result):
    """The effect of clamping units on the prediction of every character and on sampled text.

    clamps: the units and their values. start, stop: the characters read, [start, stop).
    loss_nats: mean loss of the intact model. clamped_nats: mean loss with the clamps. mean_nats: their
    difference; above 0 the units helped. interval: 95 % confidence interval of `mean_nats`, None for fewer
    than 50 predictions. delta_nats: (stop − start − 1,) float32, the change of loss of each character after
    the first. rises: the characters whose loss rises most, the largest first.
    samples: what the intact and the clamped model write after `position`, from one seed; None if no
    sample was requested.
    """

    clamps: tuple[Clamp, ...]
    start: int
    stop: int
    loss_nats: float
    clamped_nats: float
    mean_nats: float
    interval: tuple[float, float] | None
    delta_nats: Float
    rises: tuple[LossChange, ...]
    position: int
    samples: tuple[str, str] | None


@dataclass(frozen=True)
class Ablate(Query[AblateResult]):
    """Ablation: the change in loss if units are clamped to a value.

    The units have that value at every step.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 20)
        >>> result = session.ask(rnnscope.Ablate(units=("1/37", "1/41"), sample=20))
        >>> result.delta_nats.shape, [clamp.value for clamp in result.clamps]
        ((319,), [0.0, 0.0])
        >>> [len(sample) for sample in result.samples]
        [20, 20]
    """

    name = "ablate"
    activity = "ablating"
    example = "--units 1/31 --mean"

    units: tuple[str, ...]
    """The units to clamp, each as LAYER/UNIT, such as 1/37 2/4."""
    value: float = 0.0
    """The value of each of them at every step; 0 ablates."""
    mean: bool = False
    """Mean-ablate: clamp each unit to its mean over the characters read, in place of --value."""
    quantity: Quantity = "hidden"
    """Clamp the hidden state, or the cell state; the output gate still applies to a clamped cell state."""
    start: int = 0
    """The first character to read; positions count from 0."""
    stop: int = 0
    """The position after the last character to read; 0 reads to the end of the text."""
    position: int = 0
    """The samples continue the text before this position; 0 takes the end of the characters read."""
    sample: int = 240
    """Characters of each sample; 0 writes none."""
    temperature: float = 0.8
    """Sampling temperature; 0 is greedy."""
    seed: int = 0
    """Seed of both samples."""

    def check(self, architecture: Architecture) -> None:
        if not self.units:
            raise OptionError("name at least one unit to clamp: --units 1/37")
        for name in self.units:
            check_unit(architecture, *unit_of(name))
        if self.quantity == "cell" and "cell" not in QUANTITIES[architecture.cell]:
            raise OptionError(f"{architecture.title} has no cell state; clamp the hidden state")
        if self.quantity == "hidden":
            check_range("value", self.value, -1, 1)
        check_range("value", abs(self.value), 0, float(np.finfo(np.float32).max))
        check_range("start", self.start, 0)
        if self.stop:
            check_range("stop", self.stop, self.start + 2)
        check_range("position", self.position, 0)
        check_range("sample", self.sample, 0, 100_000)
        check_range("temperature", self.temperature, 0, 100)
        check_range("seed", self.seed, 0)

    def run(self, context: Context) -> AblateResult:
        from rnnscope.analysis.clamped import Clamped
        from rnnscope.tracing.record import true_log_probabilities

        model, reader, progress = context.model, context.reader, context.progress
        length = reader.length(progress.part(0.0, 0.0))
        stop = min(self.stop or length, length)
        if stop - self.start < 2:
            raise TextError(
                f"the text has {counted(length, 'character')}; "
                f"at least two are needed from --start {self.start:,} on"
            )
        clamps = self._clamps(reader, stop, progress.part(0.0, 0.3))
        ids, state = reader.ids(self.start, stop), reader.state(self.start, progress.part(0.3, 0.3))
        documents = reader.document_starts(self.start, stop, progress) - self.start
        intact = true_log_probabilities(
            model, ids, state, documents=documents, progress=progress.part(0.3, 0.6)
        )
        clamped = true_log_probabilities(
            Clamped(model, clamps), ids, state, documents=documents, progress=progress.part(0.6, 0.9)
        )
        delta = intact - clamped
        if not np.isfinite(delta).all():
            raise RnnscopeError("the loss is not finite: training diverged; use an earlier snapshot")
        position = min(self.position or stop, length)
        return AblateResult(
            clamps,
            self.start,
            stop,
            -float(intact.mean(dtype=np.float64)),
            -float(clamped.mean(dtype=np.float64)),
            float(delta.mean(dtype=np.float64)),
            mean_interval(delta),
            delta,
            tuple(_rises(delta, self.start, reader)),
            position,
            self._samples(context, clamps, position, progress.part(0.9, 1.0)) if self.sample else None,
        )

    def _clamps(self, reader: TextReader, stop: int, progress: Progress) -> tuple[Clamp, ...]:
        """The units with their values."""
        units = [unit_of(name) for name in self.units]
        values = [self.value] * len(units)
        if self.mean:
            values = _means(units, self.quantity, reader, self.start, stop, progress)
        return tuple(
            Clamp(layer, unit, value, self.quantity)
            for (layer, unit), value in zip(units, values, strict=True)
        )

    def _samples(
        self, context: Context, clamps: tuple[Clamp, ...], position: int, progress: Progress
    ) -> tuple[str, str]:
        from rnnscope.analysis.clamped import sample_paired

        prompt = context.reader.ids(max(0, position - _PROMPT), position).tolist()
        pairs = []
        for pair in sample_paired(
            context.model, clamps, prompt, self.sample, temperature=self.temperature, seed=self.seed
        ):
            pairs.append(pair)
            progress(len(pairs) / self.sample)
        symbols = context.model.vocabulary.symbols
        intact, clamped = ("".join(symbols[pair[which][0]] for pair in pairs) for which in (0, 1))
        return intact, clamped


def _means(
    units: list[tuple[int, int]],
    quantity: Quantity,
    reader: TextReader,
    start: int,
    stop: int,
    progress: Progress,
) -> list[float]:
    """The mean of each unit over the characters start .. stop−1; cell states before the activation."""
    sums = np.zeros(len(units))
    for trace in reader.traces(start, stop, progress):
        sums += [trace[f"{layer}/{quantity}"][:, unit].sum(dtype=np.float64) for layer, unit in units]
    return [float(mean) for mean in sums / (stop - start)]


def _rises(delta: Float, start: int, reader: TextReader) -> Iterable[LossChange]:
    """The characters whose loss rises most; delta[i] is the change of the one at start + i + 1."""
    deltas = np.concatenate(([0.0], delta))
    for place in (np.argsort(-delta, kind="stable")[:_LISTED] + 1).tolist():
        first, last = max(0, place - _AROUND), min(len(deltas), place + _AROUND)
        yield LossChange(
            start + place,
            float(deltas[place]),
            start + first,
            reader.read(start + first, start + last),
            tuple(deltas[first:last].tolist()),
        )

"""A made-up run: the events of a training that never was, the same every time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from rnnscope.tracing.trace import Trace
from rnnscope.training.controls import Controls
from rnnscope.training.events import (
    Compared,
    Evaluated,
    Event,
    Finished,
    Paused,
    Progress,
    Sampled,
    Saved,
    Started,
    Traced,
)

CHARACTERS_PER_STEP = 2048
STEPS_PER_SECOND = 80.0
BASELINES = {"uniform": 4.17, "1-gram": 3.35, "2-gram": 2.49, "3-gram": 1.99, "5-gram": 1.56}
SAMPLE = (
    "COMINIUS:\nI shall pardon to my lord.\n\nKING EDWARD IV:\nAnd all my honour, report of him.\n\n"
    "Ashill:\nI cannot prople of your last's dead,\nIrat, my lord, the matter is not so;\n"
    "The law his true marriage and the sea.\n"
)


def loss_nats(steps: np.ndarray, noise: bool = True, seed: int = 3) -> np.ndarray:
    """A loss that falls as such losses do: a plateau at the 1-gram, then for ever slower."""
    steps = np.asarray(steps, dtype=np.float64)
    plateau = 0.85 / (1 + (steps / 22) ** 2.2)
    slide = 1.95 / (1 + (steps / 260) ** 0.95)
    level = 1.36 + plateau + slide
    if not noise:
        return level
    random = np.random.default_rng(seed)
    return level * (1 + 0.018 * random.normal(size=len(steps)))


def started(trace: Trace, *, live_layers: int | None = None) -> Started:
    shape = trace.architecture
    return Started(
        0,
        0.0,
        run="runs/tinyshakespeare-1",
        corpus="tinyshakespeare.txt",
        architecture=shape if live_layers is None else replace(shape, layers=live_layers),
        symbols=trace.symbols,
        parameters=108_225,
        device="cpu",
        precision="float32",
        train_characters=1_003_854,
        held_out_characters=111_540,
        characters_per_step=CHARACTERS_PER_STEP,
        clip_norm=1.0,
    )


def progress(first: int, last: int, *, budget: int = 15_000) -> Progress:
    """Of the steps first..last."""
    steps = np.arange(first, last + 1)
    every = loss_nats(np.arange(1, last + 1))
    random = np.random.default_rng(last)
    norms = 0.45 * np.exp(0.25 * random.normal(size=len(steps))) * (1 + 1.2 * np.exp(-steps / 150.0))
    return Progress(
        last,
        last / STEPS_PER_SECOND,
        steps=steps,
        losses_nats=every[first - 1 :],
        gradient_norms=norms,
        learning_rate=0.0013,
        characters_per_second=162_000.0,
        epoch=last * CHARACTERS_PER_STEP / 1_003_854,
        update_ratio_log10=-3.1,
        fraction=last / budget,
        remaining_seconds=(budget - last) / STEPS_PER_SECOND,
        memory_bytes=412 * 2**20,
        phase="stable",
    )


def evaluated(step: int) -> Evaluated:
    level = float(loss_nats(np.array([step]), noise=False)[0])
    gap = 0.16 * np.log10(1 + step / 900)
    return Evaluated(step, step / STEPS_PER_SECOND, level + gap, 111_540, is_best=True)


def sampled(step: int, text: str = SAMPLE, temperature: float = 0.7) -> Sampled:
    random = np.random.default_rng(step)
    after_space = np.array([i == 0 or text[i - 1] in " \n" for i in range(len(text))])
    certainty = np.where(after_space, random.beta(1.0, 3.0, len(text)), random.beta(5.0, 1.0, len(text)))
    return Sampled(
        step,
        step / STEPS_PER_SECOND,
        text,
        certainty.astype(np.float32),
        temperature,
        "",
        tuple(text),
    )


def run_until(trace: Trace, last: int = 9_273) -> list[Event]:
    """All that such a run has said by a step."""
    events: list[Event] = [started(trace), Compared(0, 0.0, BASELINES)]
    marks = np.unique(np.round(np.geomspace(60, last, 40)).astype(int)).tolist()
    before = 0
    for mark in marks:
        events.append(progress(before + 1, mark))
        if mark > 300:
            events.append(evaluated(mark))
        before = mark
    traced = replace(trace, step=last)
    return [*events, Traced(last, last / STEPS_PER_SECOND, traced), sampled(last)]


class FakeRun:
    """A `start` for the screen: says what `run_until` says, then trains at real speed until it is stopped."""

    def __init__(
        self, trace: Trace, *, begin: int = 1, tick_seconds: float = 0.1, last: int = 15_000
    ) -> None:
        self._trace = trace
        self._begin = begin
        self._tick = tick_seconds
        self._last = last
        self.saves = 0

    def __call__(self, controls: Controls, say: Callable[[Event], None]) -> None:
        for event in self.events(controls):
            say(event)

    def events(self, controls: Controls) -> Iterator[Event]:
        step = self._begin
        yield from run_until(self._trace, step) if step > 1 else [started(self._trace)]
        yield Compared(step, 0.0, BASELINES)
        yield Traced(step, 0.0, self._trace)
        state, paused, saves = controls.state, False, 0
        ticks = 0
        while not state.stop and step < self._last:
            time.sleep(self._tick)
            state = controls.state
            if state.paused != paused:
                paused = state.paused
                yield Paused(step, step / STEPS_PER_SECOND, paused)
            if state.saves > saves:
                saves = state.saves
                yield Saved(step, step / STEPS_PER_SECOND, "runs/tinyshakespeare-1/last.safetensors", "last")
            if paused:
                continue
            ticks += 1
            after = step + max(1, round(STEPS_PER_SECOND * self._tick))
            yield progress(step + 1, after)
            step = after
            if ticks % 20 == 5:
                yield evaluated(step)
                yield sampled(step, temperature=state.temperature)
            if ticks % 10 == 0:
                yield Traced(step, step / STEPS_PER_SECOND, replace(self._trace, step=step))
        self.saves += 1
        reason = "stopped" if state.stop else "steps"
        yield Saved(step, step / STEPS_PER_SECOND, "runs/tinyshakespeare-1/last.safetensors", "last")
        yield Finished(step, step / STEPS_PER_SECOND, reason, 1.588, "runs/tinyshakespeare-1")

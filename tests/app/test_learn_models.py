"""The chapters that use a trained model, driven to their ends with a small one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from rnnscope.app.learn.canvas import Canvas, Look
from rnnscope.app.learn.chapter import Chapter
from rnnscope.app.learn.neurons import NeuronsChapter
from rnnscope.app.learn.shapes import ShapesChapter
from rnnscope.app.question import Question
from rnnscope.corpora.archive import archive_text
from rnnscope.learn import neurons, shapes
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.theme.palette import palette

TEXT = archive_text(13_000, seed=4)


class Host:
    """Runs jobs at once."""

    def __init__(self) -> None:
        self.jobs: Any = self
        self.said: list[str] = []
        self.asked: list[Question] = []

    def submit(
        self,
        key: str,
        run: Callable[[Progress], Any],
        *,
        on_result: Callable[[Any], object],
        on_error: Callable[[Exception], object],
    ) -> None:
        on_result(run(NO_PROGRESS))

    def cancel(self, *keys: str) -> None: ...

    def refresh_figure(self) -> None: ...

    def announce(self, message: str) -> None:
        self.said.append(message)

    def ask(self, question: Question) -> None:
        self.asked.append(question)


@pytest.fixture(scope="module")
def network() -> CharRNN:
    vocabulary = Vocabulary.of(TEXT)
    generator = torch.Generator().manual_seed(2)
    return CharRNN(Architecture("lstm", len(vocabulary), 10, 1), vocabulary, generator=generator).eval()


def drawn(chapter: Chapter[Any], step: int, *, hides: bool = False, size: tuple[int, int] = (76, 13)) -> str:
    look = Look(chapter.steps[step].emphasis, chapter.steps[step].hides if hides else "")
    canvas = Canvas(palette("dark", "truecolor"), *size, look)
    chapter.draw(canvas)
    return "\n".join("".join(part.text for part in canvas.row(y)) for y in range(size[1]))


def test_shapes(network: CharRNN) -> None:
    host = Host()
    chapter = ShapesChapter(host, lambda progress: network)
    chapter.begin()
    chapter.arrive(0)
    first = drawn(chapter, 0)
    chapter.advance()
    assert drawn(chapter, 0) != first  # another sample
    assert "?     ?" in drawn(chapter, 0, hides=True)
    chapter.choose(+1)
    assert chapter.state.symbol == 1

    chapter.arrive(1)
    found = shapes.classifier(network)
    shown = drawn(chapter, 1)
    assert f"{found.accuracy:.1%} of 320 new documents" in shown
    assert "ledger" in shown.splitlines()[6]
    assert "◀ true" in shown.splitlines()[6]
    chapter.choose(+1)
    assert "◀ true" in drawn(chapter, 1).splitlines()[7]  # the kinds take turns
    assert "%" not in drawn(chapter, 1, hides=True)
    chapter.edit()
    assert host.asked[0].accept("") is not None
    assert host.asked[0].accept("Dear Sir, ") is None
    assert "your text, 10 characters: Dear Sir," in drawn(chapter, 1)

    chapter.arrive(2)
    tagger = shapes.tagger(network)
    shown = drawn(chapter, 2, size=(110, 20))
    assert f"{tagger.accuracy:.1%} of the characters" in shown
    chapter.choose(+1)
    assert "▔" in drawn(chapter, 2, size=(110, 20))
    chapter.switch(+1)
    assert chapter.state.shape == 0
    chapter.end()


def test_neurons(network: CharRNN) -> None:
    host = Host()
    chapter = NeuronsChapter(host, lambda progress: Session(network, TEXT))
    chapter.begin()
    for step, (feature, description) in enumerate(neurons.FEATURES):
        chapter.arrive(step)
        found = neurons.neuron(Session(network, TEXT), feature)
        shown = drawn(chapter, step, size=(100, 30))
        assert f"neuron {found.name}" in shown
        assert description in shown
        hidden = drawn(chapter, step, hides=True)
        assert description not in hidden
        assert "▔" not in hidden
    chapter.choose(+1)
    assert chapter.state.neuron == 0

    last = len(chapter.steps) - 1
    chapter.arrive(last)
    shown = drawn(chapter, last)
    for temperature in neurons.TEMPERATURES:
        assert f"T {temperature:g}" in shown
    assert "T 0.2" not in drawn(chapter, last, hides=True)
    chapter.advance()
    assert "seed 2" in drawn(chapter, last)
    chapter.edit()
    host.asked[0].accept("To be ")
    assert "prompt “To be ”" in drawn(chapter, last)
    chapter.end()

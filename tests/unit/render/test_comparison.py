"""The lines of n-grams, errors and brackets: what they list, what they open, and that they fit."""

from __future__ import annotations

import io

import pytest
import torch
from rich.console import Console

from rnnscope.analysis.brackets import Brackets, BracketsResult
from rnnscope.analysis.errors import Errors, ErrorsResult
from rnnscope.analysis.gradient_flow import GradientFlow
from rnnscope.analysis.ngrams import Ngrams
from rnnscope.analysis.query import Query
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.render import brackets, errors, render
from rnnscope.render.output import print_report
from rnnscope.render.report import Place, Report, Run
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary

TEXT = "".join(
    f'"Entry {number}", he said (and wrote [{number * 7 % 10}]): it is\n\n' for number in range(150)
)
TRAINING = TEXT[::-1] + TEXT[:3000]


@pytest.fixture(scope="module")
def session() -> Session:
    vocabulary = Vocabulary.of(TEXT)
    shape = Architecture("lstm", len(vocabulary), 8, 1)
    model = CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(3)).eval()
    return Session(model, TEXT, training_text=lambda: TRAINING)


def printed(report: Report, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_report(report, console)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [20, 40, 80, 120])
@pytest.mark.parametrize("query", [Ngrams(), Errors(), Brackets(), GradientFlow(distance=10, losses=4)])
def test_lines_fit_at_any_width(session: Session, query: Query, width: int) -> None:  # type: ignore[type-arg]
    body = Report(lines=render(session.ask(query)).lines)
    assert 0 < max(map(len, printed(body, width))) <= width


def test_ngrams_say_which_is_ahead_and_list_where(session: Session) -> None:
    result = session.ask(Ngrams(limit=5))
    report = render(result)
    lines = printed(report)
    verdict = "ahead of" if result.ahead_nats >= 0 else "behind"
    assert f"{abs(result.ahead_nats):.3f} nats {verdict} the {result.order}-gram" in lines[1]
    assert any(line.startswith(f"{result.order}-gram best") for line in lines)
    listed = [line.choice.position for line in report.lines if isinstance(line.choice, Place)]
    assert listed == [each.position for each in (*result.ahead, *result.behind)]


def test_what_was_removed_is_told(session: Session) -> None:
    inside = Session(session.reader.model, TEXT[:2500], training_text=lambda: TRAINING)  # type: ignore[arg-type]
    lines = printed(render(inside.ask(Ngrams())))
    assert any("without 2,499 more, which are copies" in line for line in lines)
    assert any("the network was trained on these" in line for line in lines)
    assert not any("copies" in line for line in printed(render(session.ask(Ngrams(characters=100)))))


def test_an_opened_oracle_lists_its_levels_and_an_opened_level_all_its_characters(session: Session) -> None:
    result: ErrorsResult = session.ask(Errors())
    bucket = max(result.buckets, key=len)
    level = max(bucket.levels, key=len)
    closed, opened = errors.report(result), errors.report(result, bucket.name)
    runs = [line.choice for line in closed.lines if line.choice is not None]
    assert runs == [Run("bucket", each.name) for each in result.buckets if len(each)]
    assert Run("bucket", f"{bucket.name}/{level.name}") in [line.choice for line in opened.lines]
    whole = errors.report(result, f"{bucket.name}/{level.name}")
    listed = [line.choice.position for line in whole.lines if isinstance(line.choice, Place)]
    assert set(level.positions[:500].tolist()) <= set(listed)
    for line in whole.lines:
        if isinstance(line.choice, Place):
            assert line.choice.position in bucket.positions


def test_an_opened_bin_lists_its_closing_characters(session: Session) -> None:
    result: BracketsResult = session.ask(Brackets())
    closer = result.closers[0]
    number = int(closer.counts.argmax())
    opened = brackets.report(result, f"{number}{closer.closer}")
    listed = [line.choice.position for line in opened.lines if isinstance(line.choice, Place)]
    assert listed == closer.of_bin(number).tolist()
    assert {TEXT[position] for position in listed} == {closer.closer}


def test_a_text_without_brackets_says_so(session: Session) -> None:
    text = "it is said and wrote" * 200
    plain = Session(session.reader.model, text)  # type: ignore[arg-type]
    assert "no bracket or quote is closed" in printed(render(plain.ask(Brackets())))[1]

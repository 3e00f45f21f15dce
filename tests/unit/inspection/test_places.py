"""Where what was searched for is on next, against the feature worked out for the whole text at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rnnscope.analysis.features import values
from rnnscope.app.asking.answers import TextFound
from rnnscope.app.asking.requests import Find, FindOn
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from tests.unit.inspection.office import Office

TEXT = 'The bell "rang" at seven (or so), and then\nthe ferry left; "never" again.\n\n' * 900
QUOTES = Find("feature", "quotes")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    vocabulary = Vocabulary.of(TEXT)
    network = CharRNN(Architecture("gru", len(vocabulary), 4), vocabulary).eval()
    found = Office(network, tmp_path_factory.mktemp("office"), TEXT)
    yield found
    found.desk.close()
    found.thread.join(20)


def span(office: Office, request: FindOn) -> tuple[int, int] | None:
    (found,) = office.ask(request)
    assert isinstance(found, TextFound)
    return found.span


@pytest.mark.parametrize("position", [0, 9, 12, 75, 16_380, 16_385, 40_007, len(TEXT) - 5])
@pytest.mark.parametrize("begins", [False, True])
def test_the_next_place_is_found_wherever_one_is_and_from_the_first_again(
    office: Office, position: int, begins: bool
) -> None:
    on = values(TEXT, ["quotes"])["quotes"].astype(bool)
    wanted = on & ~np.append(False, on[:-1]) if begins else on
    at = np.flatnonzero(wanted)
    start = int(at[at >= position][0] if (at >= position).any() else at[0])
    stop = start + int(np.flatnonzero(~np.append(on[start:], False))[0])
    assert span(office, FindOn(QUOTES, position, begins)) == (start, stop)


def test_patterns_and_marks_have_places_and_numbers_have_none(office: Office) -> None:
    assert span(office, FindOn(Find("inside", "ferry"), 100)) == (122, 127)
    assert TEXT[122:127] == "ferry"
    assert span(office, FindOn(Find("inside", "zebra"), 100)) is None
    assert span(office, FindOn(Find("feature", "column"), 0)) is None
    marks = ((40, 50, True), (10, 12, False), (20, 30, True))
    assert span(office, FindOn(Find("marks", "what is marked", marks), 25)) == (40, 50)
    assert span(office, FindOn(Find("marks", "what is marked", marks), 60)) == (20, 30)


def test_a_texts_end_has_no_place_after_it(office: Office, tmp_path: Path) -> None:
    assert span(office, FindOn(Find("inside", "The bell"), 10 * len(TEXT))) == (0, 8)

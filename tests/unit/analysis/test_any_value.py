"""Whatever value a field of a query has: a result, or an error in one line."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, get_type_hints

import pytest
import torch

from rnnscope.analysis import QUERIES
from rnnscope.analysis.find import Find
from rnnscope.analysis.query import Query
from rnnscope.errors import RnnscopeError
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary
from tests.parity.test_front_ends import EXAMPLES, TEXT, TRAINING_TEXT

KINDS: dict[str, type[Query[Any]]] = {**QUERIES, "find": Find}
VALUES: dict[str, list[Any]] = {
    "int": [-1, 10**30],
    "float": [math.nan, math.inf, -1e300, 1e-320],
    "str": ["", "\udcff", "((", "\x1b[2J"],
}


@pytest.fixture(scope="module")
def session() -> Session:
    vocabulary = Vocabulary.of(TEXT)
    random = torch.Generator().manual_seed(0)
    model = CharRNN(Architecture("lstm", len(vocabulary), 12, 2), vocabulary, generator=random)
    return Session(model, TEXT, training_text=lambda: TRAINING_TEXT)


@pytest.mark.parametrize("name", KINDS)
def test_any_value_of_any_field_is_answered_or_refused_in_a_line(name: str, session: Session) -> None:
    kind, hints = KINDS[name], get_type_hints(KINDS[name])
    example: dict[str, Any] = EXAMPLES.get(name, {"pattern": "a"})
    for field in fields(kind):
        named = str(hints[field.name])
        values = [value for type_, each in VALUES.items() if type_ in named for value in each]
        for value in values:
            given = (value,) if "tuple" in named else value
            message = refusal(session, kind(**example | {field.name: given}))
            assert len(message.splitlines()) <= 1
            assert len(message) < 500


def refusal(session: Session, query: Query[Any]) -> str:
    """The message with which a query is refused; empty for one that is answered."""
    try:
        session.ask(query).to_dict()
    except RnnscopeError as error:
        return str(error)
    return ""

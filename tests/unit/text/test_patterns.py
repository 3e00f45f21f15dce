"""Expressions match as in the standard library, and end at their time limit."""

from __future__ import annotations

import re
import threading
import time
import warnings

import pytest

from rnnscope.errors import OptionError
from rnnscope.text.patterns import Expression, written_out

TEXT = 'The bell "rang" at seven (or so), and then\nthe ferry left; "never" again.\n' * 3


@pytest.mark.parametrize(
    "written", [r'"[^"]*"', r"^the", r"\w+$", r"(?i)THE", r"[[a]", r"\b", r"(?<=\()\w+", "é|e"]
)
def test_matches_are_the_standard_librarys(written: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the standard library's of a nested set
        expected = [match.span() for match in re.compile(written, re.MULTILINE).finditer(TEXT, 5)]
    assert list(Expression(written).spans(TEXT, 5)) == expected


@pytest.mark.parametrize("written", ["(", "[a", "*", "(?P<a>x)(?P<a>y)("])
def test_an_invalid_expression_is_an_error(written: str) -> None:
    with pytest.raises(OptionError, match="not a regular expression"):
        Expression(written)


@pytest.mark.parametrize(
    "written",
    [
        "a{99999999}", "a{3000000}", "(a{1000}){1000}", "((a{100}){100}){100}", "(?:[a-z]|x{9}){30000}",
        "a{2}{300000}", "(?x) a { 300000 }", "a{,300000}", "(?:abc){e<=200000}", "[(]{200000}",
        "a{99999999999999999999}", "(?<=a{150000})b", "x" * 20_000, "(?R)", "(?1)(a)", "(?P<q>a(?&q)?)",
        "(?P>q)(?P<q>a)", "(?0)", "a(?-1)", "(" * 3_000 + ")" * 3_000,
    ],
)  # fmt: skip
def test_one_that_would_fill_the_memory_is_refused_at_once(written: str) -> None:
    start = time.monotonic()
    with pytest.raises(OptionError) as error:
        Expression(written)
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 250
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("abc", 3),
        (r"\d{4}-\d{2}", 7),
        ("(ab){10}", 30),
        ("[a-z]{3}|x", 5),
        (r"\p{Lu}{4}", 4),
        (r"\(?0\)?", 5),
    ],
)
def test_the_size_is_that_of_the_repeats_written_out(written: str, size: int) -> None:
    assert written_out(written) == size
    Expression(written)


def test_one_that_does_not_end_is_given_up_while_others_run() -> None:
    endless = Expression(r"^(([a-z])+.)+[A-Z]([a-z])+$", most_seconds=0.5)
    done = threading.Event()
    counted = 0

    def match() -> None:
        with pytest.raises(OptionError, match="repeats within repeats"):
            list(endless.spans("a" * 5000))
        done.set()

    threading.Thread(target=match, daemon=True).start()
    while not done.wait(0.01):
        counted += 1
        assert counted < 2000, "it is not given up"
    assert counted > 10  # the match did not block this thread


def test_a_warning_of_an_odd_expression_goes_nowhere(recwarn: pytest.WarningsRecorder) -> None:
    started = time.monotonic()
    Expression("[[a]&&b")
    assert not recwarn.list
    assert time.monotonic() - started < 5


def test_a_long_literal_text_is_found_at_once() -> None:
    text = "to be or not to be\n" * 400 + "ab" * 2500 + "\n"
    began = time.monotonic()
    assert list(Expression("ab" * 2500).spans(text)) == [(7600, 12600)]
    assert list(Expression("(?:ab){2500}|or").spans(text))[-2:] == [(7587, 7589), (7600, 12600)]
    assert time.monotonic() - began < 2

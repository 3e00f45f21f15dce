"""JSON from anyone: what is not ours is refused in one line, with the field that is wrong."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.strict_json import DEPTH, JsonError, decode, dump, parse, read_json, shown


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "nonsense", "NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[-1e999]", str(2**53 + 1),
        "9" * 5000, '"\\ud800"', '{"\\udc00": 1}', '{"a": 1, "a": 2}', "[" * 100_000, "[" * 40 + "]" * 40,
        '{"a":' * 40 + "1" + "}" * 40, "[1] 2", b"\xff", b"\x00",
    ],
    ids=lambda text: repr(text)[:20],
)  # fmt: skip
def test_what_no_file_of_ours_holds_is_refused(text: str | bytes) -> None:
    with pytest.raises(JsonError) as error:
        parse(text)
    assert len(str(error.value).splitlines()) == 1


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(JSON)
def test_everything_else_is_read_as_the_standard_library_does(value: Any) -> None:
    assert parse(json.dumps(value)) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


def test_the_depth_is_a_bound_and_not_a_limit_of_the_interpreter() -> None:
    parse("[" * DEPTH + "]" * DEPTH)
    with pytest.raises(JsonError, match="too deeply"):
        parse("[" * (DEPTH + 2) + "]" * (DEPTH + 2))


@dataclass(frozen=True)
class Inner:
    share: float
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Outer:
    count: int
    inner: Inner
    names: tuple[str, ...] = ()
    maybe: float | None = None
    numbers: dict[str, float] = field(default_factory=dict)
    flag: bool = False


GOOD: dict[str, Any] = {"count": 3, "inner": {"share": 1}, "names": ["x"], "maybe": None, "numbers": {"u": 2}}


def test_a_dataclass_is_built_by_its_annotations_and_later_fields_are_ignored() -> None:
    built = decode(Outer, GOOD | {"added_later": [1]})
    assert built == Outer(3, Inner(1.0), ("x",), None, {"u": 2.0})
    assert isinstance(built.inner.share, float)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("count", True, "count is True, not a whole number"),
        ("count", 1.0, "count is 1.0"),
        ("count", "1", "count is '1'"),
        ("flag", 1, "flag is 1, not true or false"),
        ("inner", [], "inner is [], not an object"),
        ("inner", {"share": None}, "inner.share is None, not a number"),
        ("inner", {"share": True}, "inner.share is True"),
        ("inner", {"share": 1, "kind": "c"}, "inner.kind is 'c', not one of a, b"),
        ("inner", {"share": 1, "kind": ["a"]}, "inner.kind"),
        ("inner", {}, "inner lacks 'share'"),
        ("names", "x", "names is 'x', not a list"),
        ("names", ["x", 1], "names[1] is 1, not a text"),
        ("maybe", "1", "maybe is '1'"),
        ("numbers", {"u": "x"}, "numbers.u is 'x'"),
        ("numbers", {"\x1b[2J\n": "x"}, "numbers.'\\x1b[2J\\n'"),
    ],
)
def test_a_value_of_another_type_is_named(name: str, value: object, message: str) -> None:
    with pytest.raises(JsonError) as error:
        decode(Outer, GOOD | {name: value})
    assert message in str(error.value)


@given(st.lists(st.floats() | st.text() | st.none()))
def test_what_is_dumped_is_valid_json_whatever_the_numbers(values: list[Any]) -> None:
    back = parse(dump({"values": tuple(values)}))["values"]
    assert len(back) == len(values)
    for value, again in zip(values, back, strict=True):
        assert again is None if isinstance(value, float) and not math.isfinite(value) else again == value


def test_a_file_name_that_is_not_utf_8_can_be_dumped() -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    assert parse(dump({"path": name, "symbols": ["😀", name]})) == {
        "path": "caf?.txt",
        "symbols": ["😀", "caf?.txt"],
    }


@given(st.text() | st.binary() | st.lists(st.integers()) | st.dictionaries(st.text(), st.integers()))
def test_what_is_shown_of_a_value_is_one_short_line_of_ascii(value: object) -> None:
    text = shown(value)
    assert len(text) <= 40
    assert text.replace("…", "").isascii()
    assert "\n" not in text
    assert "\x1b" not in text


def test_a_file_is_read_within_bounds_and_never_from_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert read_json(path, max_bytes=100) == {"a": 1}
    with pytest.raises(OSError, match="larger than 3 bytes"):
        read_json(path, max_bytes=3)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="regular file"):
        read_json(tmp_path / "pipe", max_bytes=100)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "none", max_bytes=100)

"""Findings that are kept beside a model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from rnnscope.app.asking.answers import Found, Named, Noted, Opened, Told
from rnnscope.app.asking.requests import Find, NameNeurons, ReadPage
from rnnscope.app.ranking import Known
from rnnscope.inspection import searching
from rnnscope.inspection.kept import Kept, find_key, findings_path
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from tests.unit.inspection.office import Office

TEXT = 'The bell "rang" at seven (or so), and then\nthe ferry left; "never" again.\n\n' * 40
SHAPE = Architecture("lstm", len(Vocabulary.of(TEXT)), 12, 2)


def _model(seed: int = 3) -> CharRNN:
    return CharRNN(SHAPE, Vocabulary.of(TEXT), generator=torch.Generator().manual_seed(seed)).eval()


def _close(office: Office) -> None:
    office.desk.close()
    office.thread.join(20)


def _must_not_run(*arguments: object, **options: object) -> object:
    raise AssertionError("this is known already")


def test_names_and_finds_stand_at_once_when_a_model_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Office(_model(), tmp_path, TEXT)
    first.ask(ReadPage(0, 100, 0))
    told = [each for each in first.ask(NameNeurons()) if not isinstance(each, Told)]
    (asked,) = first.ask(Find("inside", "bell"))
    _close(first)
    assert (tmp_path / "small.findings.json").is_file()
    for name in ("name_neurons", "search"):
        monkeypatch.setattr(searching, name, _must_not_run)
    again = Office(_model(), tmp_path, TEXT)
    again.ask(ReadPage(0, 100, 0))
    names, *gains = again.ask(NameNeurons())
    assert not any(isinstance(each, Told) for each in gains)  # nothing is searched
    (found,) = again.ask(Find("inside", "bell"))
    _close(again)
    assert isinstance(names, Named)
    assert isinstance(told[0], Named)
    assert dict(names.known) == dict(told[0].known)
    assert len(names.known)
    assert [gain.feature for gain in gains] == [gain.feature for gain in told[1:]]  # type: ignore[attr-defined]
    assert isinstance(found, Found)
    assert isinstance(asked, Found)
    assert (found.results, found.null, found.probe) == (asked.results, asked.null, asked.probe)
    assert again.opened.notes == ()  # type: ignore[attr-defined]


def test_findings_of_another_state_of_the_model_are_set_aside(tmp_path: Path) -> None:
    first = Office(_model(), tmp_path, TEXT)
    first.ask(Find("inside", "bell"))
    _close(first)
    second = Office(_model(seed=4), tmp_path, TEXT)
    (found,) = second.ask(Find("inside", "bell"))
    _close(second)
    assert isinstance(second.opened, Opened)
    assert second.opened.notes == ("findings of an earlier state of this model are set aside; finding anew",)
    kept = json.loads((tmp_path / "small.findings.json").read_text(encoding="utf-8"))
    ((name, known), *_) = kept["texts"].popitem()[1]["found"][0]["results"]
    assert isinstance(found, Found)
    assert name == "{}/{}".format(*found.results[0][0])
    assert known[1] == found.results[0][1].score


def test_another_text_has_findings_of_its_own(tmp_path: Path) -> None:
    for content in (TEXT, TEXT + "The bell."):
        office = Office(_model(), tmp_path, content)
        (found,) = office.ask(Find("inside", "bell"))
        assert isinstance(found, Found)
        assert found.positions == len(content)
        _close(office)
    kept = json.loads((tmp_path / "small.findings.json").read_text(encoding="utf-8"))
    assert len(kept["texts"]) == 2


def test_a_model_that_is_written_anew_is_told_once(tmp_path: Path) -> None:
    office = Office(_model(), tmp_path, TEXT)
    office.ask(Find("inside", "bell"))
    kept = (tmp_path / "small.findings.json").read_bytes()
    save_model(_model(seed=5), tmp_path / "small.safetensors", {})
    office.desk.ask(ReadPage(0, 100, 0))
    office.ask(ReadPage(0, 100, 1))
    answers = office.told
    office.ask(Find("inside", "seven"))
    _close(office)
    notes = [each.message for each in (*answers, *office.told) if isinstance(each, Noted)]
    assert len(set(map(id, notes))) == 1
    assert "has changed since it was opened" in notes[0]
    assert (tmp_path / "small.findings.json").read_bytes() == kept  # of the file that was


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_directory_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    office = Office(_model(), tmp_path, TEXT)
    tmp_path.chmod(0o500)
    try:
        first, second = (office.ask(Find("inside", asked)) for asked in ("bell", "seven"))
    finally:
        tmp_path.chmod(0o700)
    _close(office)
    assert sum(isinstance(each, Noted) for each in (*first, *second)) == 1


def test_a_path_that_cannot_be_written_is_told_once_and_kept_in_memory(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "absent" / "small.findings.json", "digest", SHAPE)
    found = Found(None, "bell", "AUC", (), 0.5, 0.5, 1, "not encoded", 10, 2)
    kept.keep("text", find_key(Find("inside", "bell")), found)
    assert "not kept" in (kept.write() or "")
    assert kept.write() is None
    assert kept.found("text", find_key(Find("inside", "bell"))) is found


GOOD = {
    "format": 1,
    "model": "digest",
    "texts": {
        "text": {"names": {"1/3": ["quotes", 0.9, "AUC", False, "cell"]}, "found": [], "finished": True}
    },
}


def _changed(**changes: object) -> str:
    return json.dumps(GOOD | changes)


def _names(names: object) -> str:
    return _changed(texts={"text": {"names": names, "found": [], "finished": False}})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "[" * 100_000,
        _changed(format=2),
        _changed(texts=3),
        _changed(texts={"text": {}}),
        _changed(texts={"text": {"names": {}, "found": [{}], "finished": False}}),
        _names({"3/1": ["quotes", 0.9, "AUC", False, "cell"]}),
        _names({"1/99": ["quotes", 0.9, "AUC", False, "cell"]}),
        _names({"1/1": ["quotes", float("nan"), "AUC", False, "cell"]}),
        _names({"1/1": ["quotes", "much", "AUC", False, "cell"]}),
        _names({"1/1": ["quotes", 0.9, "\x1b[2J", False, "cell"]}),
        _names({"1/1": ["\x1b[2Jquotes", 0.9, "AUC", False, "cell"]}),
        _names({"1/1": ["quotes", 0.9, "AUC", False, "gone"]}),
        _names({"1/1": ["quotes", 0.9]}),
        _names({"one": ["quotes", 0.9, "AUC", False, "cell"]}),
        _names({"1/1": ["quotes", 10**400, "AUC", False, "cell"]}),
    ],
)
def test_a_file_that_is_none_is_told_in_a_line_and_passed_over(content: str, tmp_path: Path) -> None:
    path = tmp_path / "small.findings.json"
    path.write_text(content, encoding="utf-8")
    kept = Kept(path, "digest", SHAPE)
    (note,) = kept.notes
    assert "passed over" in note
    assert "\n" not in note
    assert note.isprintable()
    assert kept.names("text") is None


def test_bytes_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "small.findings.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert len(Kept(path, "digest", SHAPE).notes) == 1


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = findings_path(tmp_path / "small.safetensors")
    assert path.name == "small.findings.json"
    kept = Kept(path, "digest", SHAPE)
    known = Known("quotes", 0.9, "AUC", True, "forget")
    found = Found(None, "[aeiou]", "AUC", (((2, 11), known),), 0.5, 0.75, 3, "single neuron", 100, 30)
    request = Find("marks", "what is marked", ((3, 5, True), (7, 9, False)), whole=True)
    kept.keep_names("text", {(2, 11): known})
    kept.keep("text", find_key(request), found)
    assert kept.write() is None
    again = Kept(path, "digest", SHAPE)
    assert again.notes == []
    assert again.names("text") == {(2, 11): known}
    read = again.found("text", find_key(request))
    assert read is not None
    assert (read.results, read.probe, read.verdict) == (found.results, 0.75, "single neuron")

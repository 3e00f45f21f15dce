"""The README and the documents: their commands parse, their Python runs, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from rnnscope.commands import COMMANDS, parsed
from rnnscope.commands.learn import CHAPTERS

DOCUMENTS = (
    "README.md",
    *(f"docs/{name}.md" for name in ("analyses", "formats", "guide", "how-it-works", "performance")),
    *(f"docs/learn/{name}.md" for name in ("README", *CHAPTERS)),
)


def _command_lines(text: str) -> list[str]:
    """The command lines of indented blocks, and those in tables and sentences between backticks."""
    indented = re.findall(r"^ {4}(?:\$ )?(rnnscope .*)$", text, re.MULTILINE)
    return [*indented, *re.findall(r"`(rnnscope [^`]+)`", text)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_are_valid(name: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in _command_lines((repository / name).read_text(encoding="utf-8")):
        words = shlex.split(re.sub(r" {2,}#.*| [|>] .*", "", line))[1:]
        if words[0] in ("COMMAND", "--help") or words[-1] == "[options]":  # a form, not a command line
            continue
        assert words[0] in COMMANDS, line
        assert parsed(words[0], words[1:]) is not None or words[-1] == "--help", line


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name: str, repository: Path) -> None:
    document = repository / name
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        assert (document.parent / link).is_file(), link


def test_the_readme_is_short_and_names_every_command(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 150
    for command in COMMANDS:
        assert re.search(rf"^\| `{command}\b", readme, re.MULTILINE), command


def test_the_python_of_the_readme_runs(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("input.txt").write_text("to be or not to be, that is the question\n" * 40)
    names: dict[str, object] = {}
    exec(block.replace("minutes=5", "steps=2, hidden_size=8, threads=1"), names)
    assert Path("page.html").is_file()
    assert names["found"].results  # type: ignore[attr-defined]

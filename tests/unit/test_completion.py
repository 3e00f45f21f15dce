"""Completion in the shells that are installed: what a user would be offered."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rnnscope.cli import main
from rnnscope.commands import COMMANDS

CASES = [
    ("rnnscope tra", {"train", "trace"}),
    ("rnnscope train --ce", {"--cell"}),
    ("rnnscope train --cell l", {"lstm"}),
    ("rnnscope train arch", {"archive"}),
    ("rnnscope sample archive-", {"archive-gru", "archive-lstm", "archive-rnn"}),
    ("rnnscope analyze archive-lstm notes.txt --perp", set()),
    ("rnnscope analyze archive-lstm notes.txt sat", {"saturation"}),
]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("completion")


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(("line", "offered"), CASES)
def test_a_shell_offers(
    shell: str, line: str, offered: set[str], scripts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = scripts / shell
    if not script.exists():
        assert main(["completion", shell]) == 0
        script.write_text(capsys.readouterr().out)
    words = line.split(" ")
    if shell == "bash":
        commands = (
            f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _rnnscope; "
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
    else:
        commands = f"complete -C '{line}' | string replace -r '\\\\t.*' ''"
    program = ["--norc", "-c"] if shell == "bash" else ["--no-config", "-c"]
    found = subprocess.run(
        [shell, *program, f"source {script}; {commands}"],
        capture_output=True,
        text=True,
        cwd=scripts,
    )
    assert found.stderr == ""
    assert set(found.stdout.split()) == offered


def test_zsh_accepts_the_script(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    assert main(["completion", "zsh"]) == 0
    (scripts / "zsh").write_text(capsys.readouterr().out + "\nprint $_comps[rnnscope]")
    found = subprocess.run(["zsh", "-f", str(scripts / "zsh")], capture_output=True, text=True, check=True)
    assert "_rnnscope" in found.stdout


def test_every_command_is_completed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert all(f'"{command} "*)' in script for command in COMMANDS)


def test_the_shell_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert main(["completion"]) == 0
    assert capsys.readouterr().out.startswith("complete -c rnnscope")
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert main(["completion"]) == 2
    assert "SHELL is missing: name bash, zsh, fish" in capsys.readouterr().err

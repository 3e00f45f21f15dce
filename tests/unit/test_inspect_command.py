"""`rnnscope inspect`: a mistake in how it is to open is one line, before a screen opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnscope.cli import main
from rnnscope.commands import inspect, parsed
from rnnscope.errors import OptionError
from rnnscope.progress import NO_PROGRESS


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--neuron", "1-3"], "--neuron: '1-3' is not a neuron, such as 1/97"),
        (["--neuron", "1/8"], "--neuron: there is no neuron 1/8; they are 1/0 to 2/7"),
        (["--neuron", "0/3"], "--neuron: there is no neuron 0/3; they are 1/0 to 2/7"),
        (["--quantity", "forgt"], "--quantity: there is no quantity forgt; did you mean forget?"),
        (["--quantity", "update"], "--quantity: there is no quantity update; the lstm has input, forget, "),
        (["--at", "-1"], "--at: there is no position -1; the first is 0"),
        (["--at", "48"], "--at: there is no position 48; those of "),
        (["--at", "x"], "--at: 'x' is not a whole number"),
        (["--view", "ablat"], "--view: there is no ablat; did you mean ablate?"),
        (
            ["--find", "quots"],
            "--find: there is no feature quots; did you mean quotes? To find the word: (quots)",
        ),
        (["--find", "[a-"], "--find: "),
    ],
)
def test_a_bad_value_is_one_line(
    arguments: list[str], complaint: str, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(models / "controls.safetensors"), str(models / "text.txt")]
    assert main(["inspect", *files, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"rnnscope: {complaint}")
    assert err.count("\n") == 1


def test_good_values_need_a_terminal_next(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(models / "controls.safetensors"), str(models / "text.txt")]
    typed = ["--neuron", "2/7", "--quantity", "forget", "--at", "47", "--view", "gradient-flow"]
    typed += ["--find", "quotes", "--fresh"]
    assert main(["inspect", *files, *typed]) == 2
    assert "inspect needs a terminal" in capsys.readouterr().err


def test_a_place_in_a_text_that_is_made_is_checked_when_it_is_opened(models: Path) -> None:
    options = parsed("inspect", [str(models / "controls.safetensors"), "--at", "2000"])
    assert options is not None
    with pytest.raises(OptionError, match="--at: there is no position 2,000; those of sample are 0 to 1,999"):
        inspect.open_session(options, NO_PROGRESS)

"""The commands, in this process: what they print, where, and how they end."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import shlex
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

import rnnscope
from rnnscope.cli import main
from rnnscope.commands import COMMANDS, parsed
from rnnscope.commands.train import GROUPS, Options
from rnnscope.corpora import archive, recipes
from rnnscope.corpora.archive import archive_text
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model, save_model
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record
from rnnscope.training.options import TrainOptions
from tests.unit.terminals import Terminal


def test_help_and_nothing_at_all_name_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for arguments in ([], ["--help"], ["-h"], ["help"]):
        assert main(arguments) == 0
        printed.append(capsys.readouterr().out)
    assert len(set(printed)) == 1
    assert all(f"  {name} " in printed[0] for name in COMMANDS)


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"rnnscope {rnnscope.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: rnnscope {command} ")
    assert err == ""
    assert not re.search(r"\(default:\s*│?\s*│?\s*(None|False|'')\)", out)
    examples = out.partition("\nexamples:\n")[2].splitlines()
    assert len(examples) >= 2
    for example in examples:
        for piece in re.split(r" [|>]+ ", example.strip()):
            name, *rest = shlex.split(re.sub(r"   .*", "", piece))
            if name == "rnnscope":
                assert_parsed(*rest)


def assert_parsed(command: str = "inspect", *arguments: str) -> None:
    """A command line without mistakes; a bare `rnnscope` prints the help."""
    assert parsed(command, arguments) is not None


def test_the_help_of_train_has_each_option_in_one_group() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    shown = [field.name for field in dataclasses.fields(Options) if field.name not in ("train", "given")]
    assert sorted(grouped) == sorted([field.name for field in dataclasses.fields(TrainOptions)] + shown)


def test_the_help_of_train_shows_its_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    out = capsys.readouterr().out
    found = re.findall(r"^\W*(\w+) options\b", out, re.MULTILINE)
    assert found == ["text", "model", "optimization", "schedule", "run", "display"]


def test_help_imports_nothing_that_takes_time() -> None:
    program = (
        "import sys; from rnnscope.cli import main;"
        "main(['--help']); slow = {'numpy', 'tyro'} & set(sys.modules);"
        "main(['train', '--help']); slow |= {'torch', 'textual', 'rich', 'numpy'} & set(sys.modules);"
        "sys.exit(f'imported {slow}' if slow else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["smaple"], "there is no command smaple; did you mean sample?"),
        (["xyz"], "there is no command xyz; choose one of train, watch, "),
        (["sample", "m", "--lenght", "3"], "--lenght, 3; did you mean --length?; see rnnscope sample --help"),
        (["sample"], "MODEL is missing; see rnnscope sample --help"),
        (["eval"], "MODEL is missing; see"),
        (["sample", "m", "--length", "abc"], "--length: 'abc' is not a whole number; see"),
        (["sample", "m", "--top-p", "nan"], "--top-p: 'nan' is not a number; see"),
        (["train", "t", "--steps", "abc"], "--steps: 'abc' is not a whole number; see"),
        (["train", "t", "--minutes", "1m"], "--minutes: '1m' is not a number; see"),
        (
            ["train", "t", "--cell", "transformer"],
            "--cell: there is no transformer; choose one of rnn, lstm, ",
        ),
        (["corpus", "x\x1b[2J"], "name: there is no x␛[2J; choose one of archive, python, shakespeare"),
        (["corpus", "shakespear"], "name: there is no shakespear; did you mean shakespeare?"),
        (["train", "t", "--optimizer", "rmsprp"], "--optimizer: there is no rmsprp; did you mean rmsprop?"),
        (["train", "shakespear"], "there is no file shakespear; did you mean shakespeare?"),
        (
            ["info", "archive-lsmt"],
            "there is no model archive-lsmt, neither a file nor a run; did you mean archive-lstm?",
        ),
        (["analyze", "m", "t", "saturatoin"], "there is no analysis saturatoin; did you mean saturation?"),
        (["find", "m", "t", "--feature", "quots"], "there is no feature 'quots'; did you mean quotes?"),
    ],
)
def test_slips_are_told_in_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("rnnscope: ")
    assert err.count("\n") == 1
    assert complaint in err


def test_debug_shows_where_an_error_came_from() -> None:
    with pytest.raises(rnnscope.errors.CheckpointError):
        main(["info", "none", "--debug"])


def test_a_fault_of_ours_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rnnscope.cli._run", lambda _: {}["gone"])
    assert main([]) == 1
    assert capsys.readouterr().err == "rnnscope: internal error: KeyError: 'gone'; --debug shows where\n"


def test_interrupting_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("rnnscope.cli._run", interrupted)
    assert main([]) == 130
    assert capsys.readouterr() == ("", "")


# -- sample --------------------------------------------------------------------------------------------------


def _shown_on_a_terminal(arguments: list[str], encoding: str = "utf-8") -> str:
    """What a command writes to a terminal."""
    raw = io.BytesIO()
    terminal = Terminal(raw, encoding=encoding)
    with redirect_stdout(terminal):
        assert main(arguments) == 0
    terminal.flush()
    return raw.getvalue().decode(encoding)


def test_a_sample_in_a_pipe_is_the_samplers_own_text(
    models: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    arguments = ["--length", "300", "--seed", "5", "--temperature", "1.2", "--top-k", "6", "--top-p", "0.9"]
    path = models / "controls.safetensors"
    assert main(["sample", str(path), "--prime", "ab", *arguments]) == 0
    model = load_model(path)
    sampler = Sampler(model)
    sampler.feed(model.vocabulary.encode("ab"))
    ids = [i for i, _ in sampler.stream(300, seed=5, temperature=1.2, top_k=6, top_p=0.9)]
    out = capfdbinary.readouterr().out
    assert out == b"ab" + model.vocabulary.decode_bytes(ids)
    assert b"\x1b" in out


def test_without_a_prompt_every_sample_starts_from_the_same_state(
    models: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = models / "controls.safetensors"
    assert main(["sample", str(path), "--length", "80", "--seed", "5"]) == 0
    written = capfdbinary.readouterr().out.decode()
    assert written == rnnscope.load(path).sample(80, seed=5)
    opening = rnnscope.load(path).vocabulary.decode([load_model(path).vocabulary.opening])
    assert written == rnnscope.load(path).sample(80, prime=opening, seed=5)


def test_a_model_of_bytes_writes_bytes(models: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["sample", str(models / "bytes.safetensors"), "--length", "500", "--seed", "1"]) == 0
    out = capfdbinary.readouterr().out
    assert len(out) == 500
    assert max(out) > 0x7F


@pytest.mark.parametrize("name", ["controls", "bytes"])
def test_a_terminal_is_shown_symbols_for_controls(models: Path, name: str) -> None:
    path = str(models / f"{name}.safetensors")
    shown = _shown_on_a_terminal(["sample", path, "--length", "300", "--seed", "1"])
    assert {"␛", "␀", "␇"} & set(shown)
    assert shown.endswith("\n")
    assert shown.replace("\n", "").isprintable()


def test_a_terminal_without_a_character_gets_a_question_mark(models: Path) -> None:
    path = str(models / "controls.safetensors")
    assert "?" in _shown_on_a_terminal(["sample", path, "--length", "300"], "ascii")


def test_the_same_seed_writes_the_same(models: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = str(models / "controls.safetensors")
    texts = []
    for seed in ("1", "1", "2"):
        assert main(["sample", path, "--seed", seed, "--length", "99"]) == 0
        texts.append(capfdbinary.readouterr().out)
    assert texts[0] == texts[1] != texts[2]


def test_whoever_stops_reading_is_not_scolded(models: Path) -> None:
    command = [sys.executable, "-m", "rnnscope", "sample", str(models / "bytes.safetensors")]
    process = subprocess.Popen(
        [*command, "--length", "10000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 128 + signal.SIGPIPE
    process.stderr.close()


# -- eval, trace, info ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [None, 5])
def test_eval_prints_the_loss_of_a_plain_loop(
    models: Path, window: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path, text = models / "controls.safetensors", models / "text.txt"
    flag = [] if window is None else ["--window", str(window)]
    assert main(["eval", str(path), str(text), "--json", *flag]) == 0
    printed = json.loads(capsys.readouterr().out)

    model = load_model(path)
    ids = model.vocabulary.encode(text.read_text()).tolist()
    losses = []
    sampler = Sampler(model)
    for t in range(len(ids) - 1):
        if window is not None and t % window == 0:
            sampler.reset()
        sampler.feed([ids[t]])
        losses.append(-float(sampler.log_probabilities[ids[t + 1]]))
    mean = float(np.mean(losses))
    assert printed["loss_nats"] == pytest.approx(mean, abs=1e-5)
    assert printed["bits_per_character"] == pytest.approx(mean / np.log(2), abs=1e-5)
    assert printed["perplexity"] == pytest.approx(np.exp(mean), abs=1e-4)
    assert printed["characters"] == len(ids) - 1
    assert printed["window"] == window
    assert len(printed) == 5


def test_eval_reads_standard_input_and_prints_a_table(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((models / "text.txt").read_bytes())))
    assert main(["eval", str(models / "controls.safetensors"), "-"]) == 0
    out = capsys.readouterr().out
    assert "nats per character" in out
    assert "47 predicted" in out


def test_a_trace_file_holds_the_recorded_values(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, text = models / "controls.safetensors", models / "text.txt"
    assert main(["trace", str(path), str(text), "-o", str(tmp_path / "t.npz")]) == 0
    model = load_model(path)
    expected = record(model, model.vocabulary.encode(text.read_text()))
    with np.load(tmp_path / "t.npz") as file:
        assert str(file["text"]) == text.read_text()
        assert (file["log_probabilities"] == expected.log_probabilities).all()
        assert set(file.files) == {"text", "ids", "log_probabilities", *expected.activations}
        assert all((file[name] == values).all() for name, values in expected.activations.items())
    assert "48 characters" in capsys.readouterr().out


def test_a_trace_too_large_for_memory_is_refused(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import psutil

    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=10_000))
    arguments = [
        str(models / "controls.safetensors"),
        str(models / "text.txt"),
        "-o",
        str(tmp_path / "t.npz"),
    ]
    assert main(["trace", *arguments]) == 2
    assert "give the first 12 characters or fewer" in capsys.readouterr().err
    assert not (tmp_path / "t.npz").exists()


def test_info_lists_distinct_symbols(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocabulary = Vocabulary.of("aa\u200b\u200b\x85\x85\ufeff\ufeff\ufffd\ufffdz", minimum_count=2)
    network = CharRNN(Architecture("gru", len(vocabulary), 4), vocabulary)
    save_model(network, tmp_path / "m.safetensors", {})
    assert main(["info", str(tmp_path / "m.safetensors")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "6 characters, ⍰ for all unknown ones: a U+0085 U+200B ⍰ U+FEFF U+FFFD" in out


def test_info_says_what_a_file_holds(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = models / "controls.safetensors"
    assert main(["info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["cell"], facts["layers"], facts["hidden_size"]) == ("lstm", 2, 8)
    assert facts["parameters"] == load_model(path).parameter_count
    assert facts["training"] == {"step": 7, "held_out_nats": 1.25}
    assert Vocabulary.from_json(facts["vocabulary"]) == load_model(path).vocabulary

    assert main(["info", str(path)]) == 0
    out = capsys.readouterr().out
    assert "LSTM 2×8, one-hot" in out
    assert "␀↵␛␣abé語" in out
    assert "\x1b" not in out


# -- corpus --------------------------------------------------------------------------------------------------


def test_corpus_archive_is_the_archive(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["corpus", "archive", "--characters", "20000", "--seed", "3"]) == 0
    assert capfdbinary.readouterr().out.decode() == archive_text(20_000, 3)


def test_corpus_archive_by_default_is_data_input_txt(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The archive's own tests hold 1,500,000 characters of seed 1 to be that file."""
    recipe = {(1_500_000, 1): (repository / "data" / "input.txt").read_text()}
    monkeypatch.setattr(archive, "archive_text", lambda characters, seed: recipe[characters, seed])
    assert main(["corpus", "archive"]) == 0
    assert capfdbinary.readouterr().out == (repository / "data" / "input.txt").read_bytes()


def test_corpus_writes_a_file_and_not_over_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "python.txt"
    arguments = ["corpus", "python", "--characters", "1000", "-o", str(path)]
    assert main(arguments) == 0
    assert f"{path}: 1,000 characters" in capsys.readouterr().out
    assert path.read_text() == "".join(recipes.python_text(1000))

    path.write_text("mine")
    assert main(arguments) == 2
    assert "already exists" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main([*arguments, "--force"]) == 0
    assert len(path.read_text()) == 1000


def test_corpus_on_a_terminal_makes_a_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = _shown_on_a_terminal(["corpus", "python", "--characters", "10"])
    assert (tmp_path / "python.txt").stat().st_size == 10
    assert "rnnscope train python.txt" in shown


def test_corpus_shakespeare_is_fetched_once_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    asked: list[Path] = []

    def fetch(destination: Path) -> Path:
        asked.append(destination)
        destination.write_text("First Citizen:\n")
        return destination

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(recipes, "fetch_shakespeare", fetch)
    assert main(["corpus", "shakespeare", "--characters", "5"]) == 0
    assert capfdbinary.readouterr().out == b"First"
    assert asked[0].is_relative_to(tmp_path)

"""The configuration file: what it sets, what it prints, and how a mistake in it is reported."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnscope.app import screens
from rnnscope.app.actions import actions_of
from rnnscope.cli import main
from rnnscope.commands import parsed
from rnnscope.commands.configured import SCREENS, actions_of_screens
from rnnscope.config import Config, config_path, load_config, parse_config
from rnnscope.errors import OptionError
from rnnscope.training.options import TrainOptions, resumed

Configure = Callable[[str], Path]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Write the configuration file that the commands read."""

    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("RNNSCOPE_CONFIG", str(path))
        return path

    return write


def test_without_a_file_everything_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert config_path() is None
    assert load_config() == Config(), "an empty RNNSCOPE_CONFIG means no file"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("RNNSCOPE_CONFIG")
    assert load_config() == Config()
    assert main(["config", "--path"]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed == str(config_path())
    assert Path(printed).name == "config.toml"


def test_typed_options_win_over_the_file(configure: Configure) -> None:
    configure(
        'theme = "light"\ndevice = "cpu"\n[train]\ncell = "gru"\nhidden-size = 64\nminutes = 5\n'
        "tied = true\nembedding-size = 64"
    )
    options = parsed("train", ["notes.txt"])
    assert options is not None
    assert options.theme == "light"
    assert options.train == TrainOptions(
        text="notes.txt",
        cell="gru",
        hidden_size=64,
        embedding_size=64,
        tied=True,
        minutes=5.0,
        device="cpu",
    )
    typed = ["--cell", "lstm", "--hidden-size=256", "--no-tied", "--device", "auto", "--theme", "auto"]
    options = parsed("train", ["notes.txt", *typed])
    assert options is not None
    assert options.theme == "auto"
    assert options.train == TrainOptions(text="notes.txt", embedding_size=64, minutes=5.0)
    assert options.given == {"text", "cell", "hidden_size", "tied", "device", "theme"}
    assert parsed("inspect", []).theme == "light"
    assert parsed("inspect", ["--theme", "dark"]).theme == "dark"


def test_a_resumed_run_takes_typed_options_alone(configure: Configure) -> None:
    configure('device = "cpu"\n[train]\nhidden-size = 64\nminutes = 5\ntemperature = 0.3\nseed = 7')
    options = parsed("train", ["--resume", "runs/a", "--temperature", "0.8"])
    assert options is not None
    recorded = TrainOptions(text="a.txt", hidden_size=32, steps=10, temperature=0.5, device="cuda")
    assert resumed(recorded, options.train, options.given) == TrainOptions(
        text="a.txt", hidden_size=32, steps=10, temperature=0.8, device="cuda", resume="runs/a"
    )


def test_what_is_printed_is_the_configuration(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(
        'theme = "high-contrast"\n[layout]\ninspect = "heat map"\n[train]\ndocument-separator = "\\n\\n"\n'
        '[keys]\nzoom = "Ctrl+F"\n'
        'quit = ["Q", "f10"]\n'
    )
    assert main(["config"]) == 0
    printed = capsys.readouterr().out
    assert str(path) in printed
    assert parse_config(printed) == load_config()
    assert 'theme = "high-contrast"' in printed.splitlines()
    assert "# Hidden units per layer.\n#hidden-size = 256\n" in printed
    # Every default, uncommented, is a valid setting, and the default.
    uncommented = re.sub(r"^#(?=[a-z_-]+ = )", "", printed, flags=re.MULTILINE)
    again = parse_config(uncommented)
    assert len(again.keys) > 60
    values = {name: value for name, value in again.train_options.items() if name != "document_separator"}
    assert TrainOptions(**values) == TrainOptions()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("theme = \n", "it is not TOML: invalid value (at line 1, column 9)"),
        ('thme = "dark"', "there is no key thme; did you mean theme?"),
        ("zzz = 1", "there is no key zzz; rnnscope config lists all keys"),
        ('theme = "drak"', "theme is 'drak', not one of auto, dark, light, high-contrast, terminal"),
        ("device = 3", "device is 3, not one of auto, cpu, cuda, mps"),
        ("hidden-size = 64", "hidden-size belongs below the line [train]"),
        ("train = 3", "train is a table: write [train] on a line, and its keys below"),
        ("[train]\nhiden-size = 64", "there is no key train.hiden-size; did you mean train.hidden-size?"),
        ('[train]\nhidden-size = "64"', "train.hidden-size is '64', not a whole number"),
        ("[train]\ntied = 1", "train.tied is 1, not true or false"),
        ('[train]\nresume = "a"', "train.resume belongs to one run: type it as --resume"),
        ('[train]\ndevice = "cpu"', "device stands above the first line in brackets"),
        ("[layout]\ninspect = 3", "layout.inspect is 3, not a text"),
        ('[layout]\ninspct = "gates"', "there is no screen inspct; did you mean inspect?"),
        ('[layout]\ninspect = "gate"', "layout.inspect: there is no layout gate; did you mean gates?"),
        ("[keys]\nzoom = 3", "keys.zoom is 3, not a list"),
        ("[keys]\nzoom = []", "keys.zoom is empty: name a key"),
        ('[keys]\nzom = "Q"', "there is no action zom; did you mean zoom?"),
        ('[keys]\nzoom = "hyper+x"', "keys.zoom: there is no key hyper+x; write a character, or a name"),
        ('[keys]\nzoom = "x"', "keys.zoom: x is a key of ablate, too; choose another for one"),
        ('[keys]\nzoom = "ctrl+c"', "keys.zoom: Ctrl+C quits or suspends on every screen"),
        ('[keys]\nzoom = "x"\nablate = "x"', "x is a key of"),
    ],
)
def test_a_mistake_is_one_line(
    text: str, complaint: str, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(text)
    for command in (["config"], ["inspect"], ["train", "notes.txt"], ["watch", "runs/a"]):
        assert main(command) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert complaint in err
        assert str(path) in err
        assert err.count("\n") == 1
    assert main(["train", "--help"]) == 0, "help needs no file"
    assert main(["config", "--path"]) == 0


def test_a_value_out_of_range_names_the_file(
    configure: Configure, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure("[train]\ndropout = 1.5")
    text = str(models / "text.txt")
    assert main(["train", text, "--plain"]) == 2
    expected = f"--dropout is 1.5, but must be at least 0 and below 1; see [train] in {path}"
    assert expected in capsys.readouterr().err
    with pytest.raises(OptionError) as caught:
        parsed("train", [text, "--layers", "0"])
    assert str(path) not in str(caught.value), "the mistake is in what was typed"


def test_a_file_that_was_named_must_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RNNSCOPE_CONFIG", str(tmp_path / "none.toml"))
    assert main(["inspect"]) == 2
    assert "there is no file" in capsys.readouterr().err
    monkeypatch.setenv("RNNSCOPE_CONFIG", str(tmp_path))
    assert main(["inspect"]) == 2
    assert "is a directory" in capsys.readouterr().err
    (tmp_path / "latin.toml").write_bytes(b'theme = "\xe9"')
    monkeypatch.setenv("RNNSCOPE_CONFIG", str(tmp_path / "latin.toml"))
    assert main(["inspect"]) == 2
    assert "it is not UTF-8 text" in capsys.readouterr().err


def test_keys_and_layouts_are_of_every_screen() -> None:
    """Where this fails: add the screen to `actions_of_screens` and its name to `SCREENS`."""
    listed = {action.id for actions in actions_of_screens() for action in actions}
    names = set()
    for module in pkgutil.iter_modules(screens.__path__, "rnnscope.app.screens."):
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and kind.__module__ == module.name and hasattr(kind, "OWNERS"):
                assert {action.id for action in actions_of(kind.OWNERS)} <= listed
                names.add(module.name.rpartition(".")[2])
    assert names == set(SCREENS)

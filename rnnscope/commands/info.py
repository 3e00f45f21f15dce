"""`rnnscope info`: the metadata of a model file and of its run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnnscope.commands.arguments import AsJson, ModelName
from rnnscope.commands.output import print_json, print_table
from rnnscope.network.formats import files_of, format_of, read_header
from rnnscope.network.header import Header
from rnnscope.network.locate import resolve_model

EXAMPLES = (
    "rnnscope info archive-lstm",
    "rnnscope info runs/NAME --json",
)


@dataclass(frozen=True)
class Options:
    """Show the metadata of a model: its architecture, vocabulary, training options and losses."""

    model: ModelName
    json: AsJson = False


def run(options: Options) -> int:
    path = resolve_model(options.model)
    header = read_header(path)
    run_header = _run_header(Path(options.model).expanduser())
    if options.json:
        print_json(_facts(path, header) | ({"run": run_header} if run_header else {}))
        return 0

    print_table(_rows(path, header) | _rows_of_run(run_header))
    return 0


def _facts(path: Path, header: Header) -> dict[str, Any]:
    architecture = asdict(header.architecture) | {"input_size": header.architecture.input_size}
    return {
        "path": str(path),
        "bytes": _bytes(path),
        "format": format_of(path).NAME,
        "dtype": header.dtype,
        "parameters": header.parameters,
        **architecture,
        "vocabulary": header.vocabulary.to_json(),
        "training": header.training,
    }


def _rows(path: Path, header: Header) -> dict[str, str]:
    from rnnscope.text.display import counted, label, listed

    architecture, vocabulary = header.architecture, header.vocabulary
    input_ = f"embedding of {architecture.embedding_size}" if architecture.embedding_size else "one-hot"
    if vocabulary.kind == "bytes":
        symbols = "256 bytes"
    else:
        unknown = vocabulary.unknown
        reads = "" if unknown is None else f", {label(vocabulary.symbols[unknown])} for all unknown ones"
        symbols = f"{counted(len(vocabulary), 'character')}{reads}: {listed(vocabulary.symbols)}"
    details = [input_, *(["tied read-out"] if architecture.tied else [])]
    if architecture.activation != "tanh":
        details.append(architecture.activation)
    rows = {
        "file": f"{path}, {_bytes(path):,} bytes, {header.dtype}, {format_of(path).NAME}",
        "network": f"{architecture.title}, {', '.join(details)}",
        "parameters": f"{header.parameters:,}",
        "vocabulary": symbols,
    }
    training = dict(header.training)
    options = training.pop("options", {})
    for name, value in training.items():
        rows[_spaced(name)] = _shown(value)
    if isinstance(options, dict):
        rows["options"] = ", ".join(f"{_spaced(name)} {_shown(value)}" for name, value in options.items())
    return rows


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in files_of(path))


def _run_header(directory: Path) -> dict[str, Any]:
    """run.json of a run directory; empty for a model file outside a run directory."""
    if not (directory / "run.json").is_file():
        return {}

    from rnnscope.training.run import read_run

    return dict(read_run(directory).header)


def _rows_of_run(header: dict[str, Any]) -> dict[str, str]:
    started = header.get("started")
    rows = {"started": ", ".join(map(str, started))} if isinstance(started, list) else {}
    return rows | {
        name: _shown(header[name]) for name in ("device", "precision", "versions") if name in header
    }


def _spaced(name: object) -> str:
    return str(name).replace("_", " ")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_spaced(name)} {_shown(inner)}" for name, inner in value.items())
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)

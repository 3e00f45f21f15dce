"""A report on a model and its run, as one HTML page without scripts or external resources.

    model and run     architecture, losses, options that differ from their defaults, text, machine
    training          the loss chart, with the losses of n-gram models
    samples           the network's text, from the first step to the last
    neurons           the most selective units, each with a colored passage
    gates             the saturation plot
    errors            by the oracle that removes them
    reproduce         the command

Without a run directory, the model file's own record is used, and there is no chart.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from rnnscope.analysis.errors import Errors, ErrorsResult
from rnnscope.analysis.features import FEATURES, values
from rnnscope.analysis.names import Names, NamesResult, NeuronLabel
from rnnscope.analysis.saturation import Saturation
from rnnscope.errors import RnnscopeError
from rnnscope.export.charts import Curve, Level, line_chart, unit_square
from rnnscope.export.colored import ColoredText
from rnnscope.export.page import MONOSPACE, PALETTES, POLICY, cells_html, escaped, style_sheet
from rnnscope.export.read import read_colored
from rnnscope.export.subject import Subject
from rnnscope.network.formats import read_header
from rnnscope.network.header import Header
from rnnscope.network.locate import model_name, resolve_model
from rnnscope.network.sampling import Sampler
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.session import Session
from rnnscope.theme.palette import Palette
from rnnscope.training.corpus import training_corpus
from rnnscope.training.evaluate import evaluate
from rnnscope.training.events import Evaluated, Event, Finished, Sampled, Started
from rnnscope.training.events import Progress as TrainingProgress
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import HEADER, read_baselines, read_events, read_run

NEURONS = 10
_SAMPLES = 8
_SAMPLE_CHARACTERS = 320
_TEMPERATURE = 0.8
_PASSAGE = 360
"""Characters of each colored passage."""
_DIRECTIONS = {
    ("auc", 1): "high when on",
    ("auc", -1): "low when on",
    ("spearman", 1): "rising",
    ("spearman", -1): "falling",
}
_NOT_REPRODUCED = ("text", "run", "resume", "rescue")
"""Options that name files, and do not change what is learned."""

_LAYOUT = f"""\
body{{margin:0;font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}}
main{{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}}
h1{{font-size:1.7rem;margin:.2em 0}} h2{{font-size:1.2rem;margin:2.2em 0 .4em}}
h3{{font-size:1rem;margin:1.4em 0 .3em}}
p{{margin:.4em 0}} table{{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}}
td,th{{text-align:left;vertical-align:top;padding:.18em .8em .18em 0;font-weight:normal}}
td{{overflow-wrap:anywhere}} th{{padding-right:1.2em}} pre,code{{font-family:{MONOSPACE};font-size:.86rem}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere;margin:.4em 0;padding:.7em .9em;border-radius:4px}}
.rnnscope{{padding:.7em .9em;font-size:.86rem}} .rnnscope pre{{margin:0;padding:0}}
.chart{{width:100%;height:auto}} .square{{max-width:24rem}} .chart text{{font:12px system-ui,sans-serif}}
.squares{{display:flex;flex-wrap:wrap;gap:1rem}} figure{{margin:0;flex:1 1 18rem}}
polyline,path{{fill:none}} polyline{{stroke-width:1.6}} circle{{fill-opacity:.6}}
.bar{{display:inline-block;height:.7em;vertical-align:baseline}}
@media print{{main{{max-width:none}}h2,h3{{break-after:avoid}}pre,figure,.rnnscope,tr{{break-inside:avoid}}}}
"""


@dataclass(frozen=True, eq=False)
class _Run:
    """A run directory: run.json, the events of all its steps, and the losses of n-gram models."""

    directory: Path
    header: Mapping[str, Any]
    events: Sequence[Event]
    baselines: Mapping[str, float]


def report(model: str, text: str | None = None, progress: Progress = NO_PROGRESS) -> str:
    """A complete HTML document about a model.

    model: a run directory, a model file, a sample model's name, or another program's checkpoint. text: the
    text for neurons, gates and errors; by default the model's validation text. Raises CheckpointError,
    RunError, TextError, Cancelled.
    """
    path = resolve_model(model)
    session = Session.open(model, text, keep=True, progress=progress)
    return report_of(session, read_header(path), path, progress)


def report_of(session: Session, header: Header, path: Path, progress: Progress = NO_PROGRESS) -> str:
    """The report on the model file at `path`, with the text of a session. Raises RunError, Cancelled."""
    run = _run_of(path)
    options = _options(header, run)
    name = model_name(path)
    parts = [
        f"<h1>{escaped(name)}</h1>",
        f"<p>{escaped(session.architecture.title)}, {header.parameters:,} parameters</p>",
        _facts(header, run, options, _test_nats(session, header, path, options)),
        *([_training(run)] if run is not None else []),
        _samples(run, session),
        *_neurons(session, progress.part(0.0, 0.5)),
        *_gates(session, progress.part(0.5, 0.7)),
        *_errors(session, progress.part(0.7, 1.0)),
        _reproduction(options, run, header),
    ]
    progress(1.0)
    return _document(name, "\n".join(parts))


def _run_of(path: Path) -> _Run | None:
    """The run directory of a model file. Raises RunError if it is damaged."""
    directory = path.resolve().parent
    if not (directory / HEADER).is_file():
        return None
    return _Run(directory, read_run(directory).header, read_events(directory), read_baselines(directory))


def _options(header: Header, run: _Run | None) -> TrainOptions | None:
    recorded = run.header.get("options") if run is not None else header.training.get("options")
    if not isinstance(recorded, Mapping):
        return None
    try:
        return TrainOptions.from_json(recorded)
    except RnnscopeError:
        return None  # of another version; the report goes without


def _changed(options: TrainOptions) -> dict[str, Any]:
    """The options that differ from their defaults, without those that name files."""
    return {
        each.name: getattr(options, each.name)
        for each in fields(TrainOptions)
        if each.name not in _NOT_REPRODUCED and getattr(options, each.name) != each.default
    }


# -- the sections ------------------------------------------------------------------------------------------


def _test_nats(session: Session, header: Header, path: Path, options: TrainOptions | None) -> float | None:
    """The loss on the test split; None if there is none, or if the text is not available."""
    model = session.reader.model
    if model is None or options is None or not options.test:
        return None
    try:
        corpus = training_corpus(path, header)
    except RnnscopeError:
        return None
    if len(corpus.test) < 2:
        return None
    return evaluate(model, corpus.test, document_starts=corpus.starts_in("test")).loss_nats


def _facts(header: Header, run: _Run | None, options: TrainOptions | None, test_nats: float | None) -> str:
    """Losses, options, text and machine as a table."""
    training = header.training
    rows: dict[str, str] = {}
    if isinstance(nats := training.get("held_out_nats"), float):
        rows["validation loss"] = f"<b>{nats:.4f}</b> nats, {nats / np.log(2):.4f} bits per character"
    if test_nats is not None:
        rows["test loss"] = f"{test_nats:.4f} nats, {test_nats / np.log(2):.4f} bits per character"
    if isinstance(nats := training.get("train_nats"), float):
        rows["training loss"] = f"{nats:.4f} nats per character"
    if isinstance(step := training.get("step"), int):
        rows["step"] = f"{step:,}"
    if run is not None:
        if run.events:
            rows["training time"] = escaped(_duration(run.events[-1].elapsed_seconds))
        finished = [event for event in run.events if isinstance(event, Finished)]
        if finished:
            rows["ended by"] = escaped(finished[-1].reason)
        if started := run.header.get("started"):
            rows["started"] = escaped(str(started[0]))
        versions = run.header.get("versions")
        machine = [str(run.header.get(key, "")) for key in ("hardware", "precision", "platform")]
        rows["machine"] = escaped(", ".join(each for each in machine if each))
        if isinstance(versions, Mapping):
            rows["versions"] = escaped(", ".join(f"{name} {value}" for name, value in versions.items()))
    corpus = (run.header if run is not None else training).get("corpus")
    if isinstance(corpus, Mapping):
        size = corpus.get("characters")
        length = f", {size:,} characters" if isinstance(size, int) else ""
        rows["text"] = escaped(f"{Path(str(corpus.get('name', ''))).name}{length}")
        rows["SHA-256 of the text"] = f"<code>{escaped(str(corpus.get('sha256', '')))}</code>"
    if options is not None:
        changed = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in _changed(options).items())
        rows["options"] = escaped(changed or "all defaults")
    return _table(rows)


def _training(run: _Run) -> str:
    """The loss chart."""
    progress = [event for event in run.events if isinstance(event, TrainingProgress)]
    evaluated = [event for event in run.events if isinstance(event, Evaluated)]
    curves = []
    if progress:
        steps = np.concatenate([event.steps for event in progress])
        curves.append(
            Curve("training", "train", steps, np.concatenate([event.losses_nats for event in progress]))
        )
    best = None
    if evaluated:
        losses = np.array([event.held_out_nats for event in evaluated])
        curves.append(Curve("validation", "held", np.array([event.step for event in evaluated]), losses))
        whole = [event for event in evaluated if event.whole] or evaluated
        lowest = min(whole, key=lambda event: event.held_out_nats)
        best = lowest.step, lowest.held_out_nats
    levels = [Level(name, nats) for name, nats in run.baselines.items()]
    chart = line_chart(curves, levels, best=best)
    if not chart:
        return "<h2>Training</h2><p>No step has been recorded.</p>"
    caption = "" if best is None else f"<p>Lowest validation loss {best[1]:.4f} nats at step {best[0]:,}.</p>"
    return f"<h2>Training</h2>\n{chart}\n{caption}"


def _samples(run: _Run | None, session: Session) -> str:
    """Samples from the first to the last, evenly spaced on a logarithmic axis of steps, and a new one."""
    sampled = [event for event in run.events if isinstance(event, Sampled)] if run is not None else []
    parts = ["<h2>Samples</h2>"]
    for event in spaced(sampled):
        parts.append(f"<h3>step {event.step:,}, temperature {event.temperature:g}</h3>")
        parts.append(f"<pre>{escaped((event.prime + event.text)[:_SAMPLE_CHARACTERS])}</pre>")
    parts.append(f"<h3>this model, temperature {_TEMPERATURE:g}</h3>")
    parts.append(f"<pre>{escaped(_sample(session))}</pre>")
    return "\n".join(parts)


def spaced(samples: Sequence[Sampled], most: int = _SAMPLES) -> list[Sampled]:
    """At most `most` samples, with the first and the last, whose steps are in about equal ratios."""
    if not samples:
        return []
    steps = np.log1p(np.array([sample.step for sample in samples], np.float64))
    wanted = np.linspace(steps[0], steps[-1], min(most, len(samples)))
    chosen = sorted({int(np.abs(steps - each).argmin()) for each in wanted} | {len(samples) - 1})
    return [samples[index] for index in chosen]


def _sample(session: Session) -> str:
    """A sample of the model, which begins after a line break."""
    model = session.reader.model
    assert model is not None
    sampler = Sampler(model)
    sampler.feed([model.vocabulary.opening])
    sampled = sampler.stream(_SAMPLE_CHARACTERS, temperature=_TEMPERATURE, seed=1)
    return model.vocabulary.decode([symbol for symbol, _ in sampled])


def _neurons(session: Session, progress: Progress) -> Iterator[str]:
    """The most selective units, each with a passage."""
    try:
        names = session.ask(Names(), progress)
    except RnnscopeError as error:
        yield f"<h2>Neurons</h2><p>{escaped(str(error))}</p>"
        return
    yield "<h2>Neurons</h2>"
    yield (
        f"<p>Units are selected on one half of {names.characters:,} characters and scored on the other half. "
        f"Text: {escaped(session.name)}.</p>"
    )
    shown = names.labels[:NEURONS]
    rows = [
        (f"{each.layer}/{each.unit}", escaped(each.feature), escaped(each.quantity), _score(each))
        for each in shown
    ]
    yield _grid(("neuron", "feature", "quantity", "held-out score"), rows)
    for each in shown:
        colored = _passage(session, names, each)
        yield f"<h3>{each.layer}/{each.unit} · {escaped(each.feature)} · {_score(each)}</h3>"
        yield (
            f'<div class="rnnscope {colored.kind}"><p class="dim">{escaped(each.quantity)}, '
            f"characters from {colored.start:,}</p><pre>{cells_html(colored)}</pre></div>"
        )


def _score(label: NeuronLabel) -> str:
    metric = "AUC" if label.metric == "auc" else "Spearman"
    return f"{metric} {label.held_out:.3f}, {_DIRECTIONS[label.metric, label.direction]}"


def _passage(session: Session, names: NamesResult, label: NeuronLabel) -> ColoredText:
    """The passage in which the feature varies most."""
    text = session.reader.read(0, names.characters)
    feature = np.nan_to_num(values(text)[FEATURES[label.feature].name].astype(np.float64))
    size = min(_PASSAGE, len(feature))
    totals = np.concatenate([[0.0], np.cumsum(feature)])
    squares = np.concatenate([[0.0], np.cumsum(feature**2)])
    sums, powers = totals[size:] - totals[:-size], squares[size:] - squares[:-size]
    start = int((powers / size - (sums / size) ** 2).argmax())
    subject = Subject.of(f"{label.layer}/{label.unit}", label.quantity, session.architecture)
    return read_colored(session.reader, subject, start, start + size)


def _gates(session: Session, progress: Progress) -> Iterator[str]:
    """One saturation plot per gate."""
    result = session.ask(Saturation(characters=50_000), progress)
    if not result.gates:
        return
    yield "<h2>Gate saturation</h2>"
    yield (
        f"<p>One point per unit: the share of {result.positions:,} positions at which a gate is open "
        f"(above {result.high:g}) against the share at which it is shut (below {result.low:g}).</p>"
    )
    yield '<div class="squares">'
    for gate in dict.fromkeys(each.gate for each in result.gates):
        of_gate = [each for each in result.gates if each.gate == gate]
        points = [(f"layer{min(each.layer, 3)}", each.left, each.right) for each in of_gate]
        square = unit_square(points, x_name="share shut", y_name="share open")
        yield f"<figure><h3>{escaped(gate)}</h3>{square}</figure>"
    yield "</div>"
    if session.architecture.layers > 1:
        yield "<p>Colors: layer 1 blue, layer 2 amber, further layers green.</p>"


def _errors(session: Session, progress: Progress) -> Iterator[str]:
    """Errors by oracle."""
    try:
        result = session.ask(Errors(), progress)
    except RnnscopeError as error:
        yield f"<h2>Errors</h2><p>{escaped(str(error))}</p>"
        return
    yield "<h2>Errors</h2>"
    yield (
        f"<p>{result.errors:,} of {result.split.characters:,} characters ({result.error_rate:.1%}) have a "
        "probability below 0.5. Each error belongs to the first oracle that removes it.</p>"
    )
    yield _grid(
        ("oracle", "errors", "share", ""), [_bucket(result, index) for index in range(len(result.buckets))]
    )


def _bucket(result: ErrorsResult, index: int) -> tuple[str, ...]:
    bucket = result.buckets[index]
    share = result.share(bucket)
    return (
        escaped(bucket.name),
        f"{len(bucket):,}",
        f"{share:.1%}",
        f'<span class="bar" style="width:{20 * share:.2f}em"></span>',
    )


def _reproduction(options: TrainOptions | None, run: _Run | None, header: Header) -> str:
    """The command that trains the same model."""
    if options is None:
        return ""
    changed = _changed(options)
    if run is not None and not options.has_budget:
        changed["steps"] = max((event.step for event in run.events), default=0)
    words = ["rnnscope", "train", Path(options.text).name]
    for name, value in changed.items():
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(str(value))
    corpus = (run.header if run is not None else header.training).get("corpus")
    known = corpus.get("sha256", "") if isinstance(corpus, Mapping) else ""
    started = [event for event in run.events if isinstance(event, Started)] if run is not None else []
    notes = [f"<p>The text has the SHA-256 <code>{escaped(str(known)[:16])}…</code>.</p>"] if known else []
    if len(started) > 1:
        notes.append(
            f"<p>The run was resumed {len(started) - 1} times, which does not change it on a CPU.</p>"
        )
    return f"<h2>Reproduce</h2>\n<pre>{escaped(shlex.join(words))}</pre>\n{''.join(notes)}"


# -- the page ----------------------------------------------------------------------------------------------


def _document(title: str, body: str) -> str:
    light, dark = map(_colors, PALETTES)
    style = (
        f"{style_sheet('diverging')}{style_sheet('gate')}{_LAYOUT}{light}"
        f"@media (prefers-color-scheme:dark){{\n{dark}}}\n"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        "</body>\n</html>\n"
    )


def _colors(palette: Palette) -> str:
    colors = palette.colors
    rules = {
        "body": f"background:{colors.bg};color:{colors.text}",
        "h1,h2,h3,b": f"color:{colors.strong}",
        "th,.tick": f"color:{colors.dim};fill:{colors.dim}",
        "pre": f"background:{colors.panel}",
        ".grid": f"stroke:{colors.faint}",
        ".axis": f"stroke:{colors.dim}",
        ".level": f"stroke:{colors.mute};stroke-dasharray:3 4;fill:none",
        "text.level": f"stroke:none;fill:{colors.dim}",
        "polyline.train": f"stroke:{colors.azure}",
        "polyline.held": f"stroke:{colors.amber}",
        "text.train": f"fill:{colors.azure}",
        "text.held": f"fill:{colors.amber}",
        "circle.best": f"fill:{colors.amber}",
        "circle.layer1": f"fill:{colors.azure}",
        "circle.layer2": f"fill:{colors.amber}",
        "circle.layer3": f"fill:{colors.mint}",
        ".bar": f"background:{colors.azure}",
    }
    return "".join(f"{selector}{{{rule}}}\n" for selector, rule in rules.items())


def _table(rows: Mapping[str, str]) -> str:
    """Names with values, which are HTML."""
    lines = (f"<tr><th>{escaped(name)}</th><td>{value}</td></tr>" for name, value in rows.items())
    return f"<table>{''.join(lines)}</table>"


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are HTML."""
    head = "".join(f"<th>{escaped(name)}</th>" for name in header)
    lines = ("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"

"""The report: its numbers are those of the run, and the page needs nothing else."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import rnnscope
from rnnscope.cli import main
from rnnscope.errors import RunError
from rnnscope.export.charts import Curve, line_chart, step_ticks, value_ticks
from rnnscope.export.report import report, spaced
from rnnscope.training.events import Sampled
from tests.unit.pages import Page

LINES = "".join(f'{n} "said" (and) [wrote] it <b>&amp; so\n' for n in range(900))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report")
    (directory / "text.txt").write_text(LINES)
    rnnscope.train(
        directory / "text.txt",
        run=directory / "run",
        cell="gru",
        hidden_size=12,
        batch_size=8,
        sequence_length=16,
        steps=12,
        threads=1,
        test=0.1,
        l1=1e-6,
    )
    # The run was too short for its own n-gram models. One level is within the chart, one below it.
    losses = [json.loads(line).get("loss_nats") for line in (directory / "run" / "events.jsonl").open()]
    inside = next(loss for loss in losses if loss is not None)  # the mean of several steps
    levels = {"1-gram": inside, "2-gram": 0.1}
    (directory / "run" / "baselines.json").write_text(json.dumps(levels))
    return directory / "run"


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    return report(str(run))


def test_the_page_is_one_file_without_scripts(page: str) -> None:
    assert len(page) < 3_000_000
    assert "<script" not in page
    assert not re.search(r"""(src|href|url)\s*[=(]""", page)
    parsed = Page(page)  # every element is closed
    assert parsed.tags.isdisjoint({"script", "img", "link", "iframe", "object"})
    assert "<b>&amp; so" not in page  # the text is escaped


def test_its_losses_are_those_of_the_commands(
    run: Path, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for split, name in (("validation", "validation loss"), ("test", "test loss")):
        assert main(["eval", str(run), "--split", split, "--json"]) == 0
        nats = json.loads(capsys.readouterr().out)["loss_nats"]
        row = re.search(rf"<th>{name}</th><td>(?:<b>)?([0-9.]+)", page)
        assert row is not None
        assert float(row[1]) == pytest.approx(nats, abs=1e-4)


def test_the_chart_has_every_step_and_the_levels_of_ngrams(page: str) -> None:
    line = re.search(r'<polyline class="train" points="([^"]*)"', page)
    assert line is not None
    points = [tuple(map(float, pair.split(","))) for pair in line[1].split()]
    assert len(points) == 12
    assert points == sorted(points)
    level = re.search(r'<path class="level" d="M[0-9]+ ([0-9.]+)H', page)
    assert level is not None
    heights = [height for _, height in points]
    assert min(heights) < float(level[1]) < max(heights)
    assert page.count('class="level"') == 1


def test_neurons_gates_and_errors_are_those_of_the_session(run: Path, page: str) -> None:
    session = rnnscope.Session.open(str(run))
    for label in session.ask(rnnscope.Names()).labels[:10]:
        assert f"<h3>{label.layer}/{label.unit} · {label.feature}" in page
    assert page.count('class="layer1"') == 2 * 12  # two gates of twelve units
    errors = session.ask(rnnscope.Errors())
    for bucket in errors.buckets:
        assert f"<td>{bucket.name}</td><td>{len(bucket):,}</td>" in page


def test_the_command_repeats_the_run(run: Path, page: str, tmp_path: Path) -> None:
    found = re.search(r"<h2>Reproduce</h2>\n<pre>(.*)</pre>", page)
    assert found is not None
    words = found[1].split()
    assert words[:3] == ["rnnscope", "train", "text.txt"]
    text = str(run.parent / "text.txt")
    assert main(["train", text, *words[3:], "--plain", "--run", str(tmp_path / "again")]) == 0
    again, first = (rnnscope.load(each) for each in (tmp_path / "again", run))
    for ours, theirs in zip(again.network.parameters(), first.network.parameters(), strict=True):
        assert (ours == theirs).all()


def test_the_command_writes_the_file(
    run: Path, page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(run), "-o", str(tmp_path / "r.html")]) == 0
    assert (tmp_path / "r.html").read_text() == page
    for name, reason in (("r.pdf", "not an HTML file"), ("none/r.html", "does not exist")):
        assert main(["report", str(run), "-o", str(tmp_path / name)]) == 2
        assert reason in capsys.readouterr().err
    assert main(["report", "archive-gr", "-o", str(tmp_path / "r.html")]) == 2
    assert "did you mean archive-gru" in capsys.readouterr().err


def test_a_damaged_run_is_named_with_what_to_do(run: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "run"
    shutil.copytree(run, damaged)
    (damaged / "baselines.json").write_text("[1]")
    with pytest.raises(RunError, match=r"baselines.json is damaged: .*; remove it"):
        report(str(damaged))
    (damaged / "events.jsonl").unlink()
    with pytest.raises(RunError, match=r"events.jsonl is missing"):
        report(str(damaged))


def test_a_model_without_a_run_has_no_chart(run: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes((run / "best.safetensors").read_bytes())
    page = report(str(tmp_path / "model.safetensors"), str(run.parent / "text.txt"))
    assert "<polyline" not in page
    assert "<h2>Reproduce</h2>" in page


@pytest.mark.parametrize("nats", [0.0, 1e-12, 2.0])
def test_a_constant_loss_has_a_chart(nats: float) -> None:
    steps = np.arange(3)
    chart = line_chart([Curve("training", "train", steps, np.full(3, nats))], [], best=(2, nats))
    assert "nan" not in chart
    assert chart.count("<polyline") == 1


def test_samples_are_spaced_by_ratios() -> None:
    samples = [Sampled(step, 0.0, "", (), 1.0) for step in range(0, 10_001, 10)]  # type: ignore[arg-type]
    steps = [sample.step for sample in spaced(samples)]
    assert steps[0] == 0
    assert steps[-1] == 10_000
    ratios = [after / before for before, after in pairwise(steps[2:])]
    assert max(ratios) < 2 * min(ratios)
    assert spaced([]) == []
    assert [sample.step for sample in spaced(samples[:3])] == [0, 10, 20]


@pytest.mark.parametrize("last", [1, 7, 12, 99, 400, 12_345, 1_000_000])
def test_ticks_are_few_and_round(last: int) -> None:
    ticks = step_ticks(last)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 11
    assert ticks[-1] <= last
    low = 0.3 + 1 / last
    values = value_ticks(low, 4.6)
    assert 2 <= len(values) <= 10
    assert all(low <= value <= 4.6 for value in values)

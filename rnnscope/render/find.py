"""A neuron search as a table: the best units, the shuffled baseline, the linear probe, and the verdict."""

from __future__ import annotations

from rnnscope.analysis.find import FindResult, FoundNeuron
from rnnscope.render.find_bars import ORDER
from rnnscope.render.report import BLANK, Line, Report, table, words

_VERDICTS = {
    "single neuron": "single neuron: one unit predicts it",
    "distributed": "distributed: a linear probe predicts it, no single unit does",
    "not encoded": "not encoded: no better than chance",
}


def report(result: FindResult) -> Report:
    """One row per unit, then the baselines."""
    is_boolean = result.positives is not None
    has_precision = any(each.average_precision is not None for each in result.results)
    metric = "AUC" if is_boolean else "Spearman"
    header = ["neuron", "quantity", metric, "held out", "± s.e.", "direction"]
    header += ["precision"] * has_precision
    rows = [_row(each, is_boolean, has_precision) for each in result.results]
    share = "" if result.positives is None else f", {result.positives:,} positive"
    how = "" if result.is_exact else ", from histograms"
    lines: list[Line] = [
        *table(header, rows),
        BLANK,
        words(f"shuffled baseline {result.null:.3f}", "dim"),
        words(
            f"linear probe {result.probe.held_out:.3f} on the held-out half, "
            f"{result.probe.units_used:,} units",
            "dim",
        ),
        words(_VERDICTS[result.verdict], bold=True),
        words(ORDER[0], "dim", *ORDER[1:]),
    ]
    return Report(result.feature, f"{result.positions:,} positions{share}{how}", tuple(lines))


def _row(found: FoundNeuron, is_boolean: bool, has_precision: bool) -> tuple[str, ...]:
    high, low = ("high when on", "low when on") if is_boolean else ("rises with it", "falls with it")
    row = (
        f"{found.layer}/{found.unit}",
        found.quantity,
        f"{found.score:.3f}",
        f"{found.held_out:.3f}",
        "" if found.standard_error is None else f"{found.standard_error:.3f}",
        high if found.direction > 0 else low,
    )
    if not has_precision:
        return row
    return (*row, "" if found.average_precision is None else f"{found.average_precision:.3f}")

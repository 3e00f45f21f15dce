"""Names of neurons as a table."""

from __future__ import annotations

from rnnscope.analysis.names import NamesResult
from rnnscope.render.report import Report, table


def report(result: NamesResult) -> Report:
    """One row per named unit: its feature, the quantity that predicts it, and the held-out score."""
    rows = [
        (
            f"{each.layer}/{each.unit}",
            each.feature,
            each.quantity,
            f"{'AUC' if each.metric == 'auc' else 'Spearman'} {each.held_out:.3f}",
            "high" if each.direction > 0 else "low",
        )
        for each in result.labels
    ]
    lines = table(("neuron", "feature", "quantity", "held out", "when on"), rows)
    return Report("names", f"{result.characters:,} characters", tuple(lines))

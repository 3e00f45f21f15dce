"""The find panel: the best neuron, what all know together, chance, and a word that says which it is.

best neuron 1/97 ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆  0.91        AUC bars run from 0.5, Spearman's from 0
probe on all 128 ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆ 0.93
shuffled text    ▆▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 0.06
one neuron knows
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnnscope.app.asking.answers import Found
from rnnscope.app.ranking import Known
from rnnscope.app.reports.report import BLANK, Line, Report, Run, Unit, bar, words

_NAME = 16
_VALUE = 11


def findings(found: Found | None, gains: Sequence[Found], features: Sequence[str]) -> Report:
    """What was found last, then every feature that was looked for: one neuron, and what all add."""
    lines: list[Line] = []
    subject = "what the neurons know"
    if found is not None:
        subject = f"{found.feature.replace('-', ' ')}, {_metric(found.metric)}"
        lines += _result(found)
    if gains:
        ranked = sorted(gains, key=lambda gain: -_share(_probe(gain), gain.metric))
        lines += [BLANK] if lines else []
        lines.append(words("one neuron → all together", "dim"))
        lines += [_gain(gain) for gain in ranked]
    lines += [BLANK] if lines else []
    lines.append(words("/ finds a feature, a pattern, or what v and V mark", "dim"))
    lines += [words(name.replace("-", " "), "text", choice=Run("find", name)) for name in features]
    return Report(subject, "held-out half" if found is not None or gains else "", tuple(lines))


def _result(found: Found) -> list[Line]:
    best = found.results[0] if found.results else None
    score = best[1].score if best is not None else 0.0
    name = f"best {best[0][0]}/{best[0][1]}" if best is not None else "best neuron"
    unit = Unit(*best[0]) if best is not None else None

    def line(name: str, value: float, ink: str, *, token: str = "text", bold: bool = False) -> Line:
        shares = [(_share(value, found.metric), ink)]
        return bar(name, shares, f"{value:.2f}", name_width=_NAME, value_width=5, token=token, bold=bold)

    first = bar(
        name,
        [(_share(score, found.metric), "azure")],
        f"{score:.2f}",
        name_width=_NAME,
        value_width=5,
        token="strong",
        bold=True,
        choice=unit,
    )
    share = (
        f"on at {found.positives / max(1, found.positions):.1%} of" if found.positives is not None else "of"
    )
    return [
        first,
        line("all together", found.probe, "probe"),
        line("shuffled text", found.null, "mute", token="mute"),
        words(verdict(found), "strong", bold=True),
        words(f"{share} {found.positions:,} characters; the probe uses {found.units_used}", "dim"),
    ]


def verdict(found: Found) -> str:
    """Which it is, in words."""
    if found.verdict == "one neuron knows" and found.results:
        (layer, unit), known = found.results[0]
        if found.metric == "ρ":
            moves = "falls as it grows" if known.is_negative else "grows with it"
            return f"one neuron knows: {layer}/{unit} {moves}"
        return f"one neuron knows: {layer}/{unit} is {'low' if known.is_negative else 'high'} there"
    if found.verdict == "many know together":
        return "many know together, none alone"
    return "nobody knows"


def _gain(gain: Found) -> Line:
    single, together = _single(gain), _probe(gain)
    parts = [(_share(single, gain.metric), "azure"), (_share(together, gain.metric), "probe")]
    return bar(
        gain.feature.replace("-", " "),
        parts,
        f"{single:.2f} → {together:.2f}",
        name_width=_NAME,
        value_width=_VALUE,
        choice=Run("find", gain.feature),
    )


def _single(found: Found) -> float:
    return found.results[0][1].score if found.results else 0.0


def _probe(found: Found) -> float:
    """What all know is no less than what one knows, whatever the probe's fit missed."""
    return max(found.probe, _single(found))


def _share(score: float, metric: str) -> float:
    return score if metric == "ρ" else 2 * score - 1


def _metric(metric: str) -> str:
    return "Spearman ρ" if metric == "ρ" else "AUC"


def known_by(found: Found) -> Mapping[tuple[int, int], Known]:
    """What the table says of every neuron that was ranked."""
    return dict(found.results)

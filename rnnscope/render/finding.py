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
from rnnscope.render.extent import whole_text
from rnnscope.render.report import BLANK, Choice, Line, Report, Run, Unit, bar, words

NAME = 16
VALUE = 5
"""Columns of the names, and of the scores."""
_GAIN = 11


def findings(found: Found | None, gains: Sequence[Found], features: Sequence[str]) -> Report:
    """What was found last, then every feature that was looked for: one neuron, and what all add."""
    lines: list[Line] = []
    title = "what the neurons know"
    if found is not None:
        title = subject(found)
        lines += [*result(found), *whole_text(found.extent)]
        if found.positives:
            told = "N: the next place where it is on"
            lines.append(words(told, "text", "N: the next place", choice=Run("next_place")))
    if gains:
        ranked = sorted(gains, key=lambda gain: -share(_probe(gain), gain.metric))
        lines += [BLANK] if lines else []
        lines.append(words("one neuron → all together", "dim", "one neuron → all"))
        lines += [_gain(gain) for gain in ranked]
    lines += [BLANK] if lines else []
    lines.append(words("/ finds a feature, a pattern, or what v and V mark", "dim"))
    lines += [words(name.replace("-", " "), "text", choice=Run("find", name)) for name in features]
    return Report(title, "held-out half" if found is not None or gains else "", tuple(lines))


def result(found: Found) -> list[Line]:
    """The best neuron, all of them, chance, a word for it, and how much was read."""
    best = found.results[0] if found.results else None
    score = best[1].score if best is not None else 0.0
    name = f"best {best[0][0]}/{best[0][1]}" if best is not None else "best neuron"
    unit = Unit(*best[0]) if best is not None else None
    on = f"on at {found.positives / max(1, found.positions):.1%} of" if found.positives is not None else "of"
    read, told = f"{on} {found.positions:,} characters", verdict(found)
    return [
        scored(name, score, found.metric, "azure", token="strong", bold=True, choice=unit),
        scored("all together", found.probe, found.metric, "probe"),
        scored("shuffled text", found.null, found.metric, "mute", token="mute"),
        words(told, "strong", told.partition(":")[0].partition(",")[0], bold=True),
        words(f"{read}; probe uses {found.units_used}", "dim", read, f"of {found.positions:,} characters"),
    ]


def scored(
    name: str,
    value: float,
    metric: str,
    ink: str,
    *,
    token: str = "text",
    bold: bool = False,
    choice: Choice | None = None,
) -> Line:
    """A score as a bar that runs from chance."""
    parts = [(share(value, metric), ink)]
    widths = {"name_width": NAME, "value_width": VALUE}
    return bar(name, parts, f"{value:.2f}", **widths, token=token, bold=bold, choice=choice)


def verdict(found: Found) -> str:
    """Which it is, in words."""
    if found.verdict == "single neuron" and found.results:
        (layer, unit), known = found.results[0]
        if found.metric == "ρ":
            moves = "falls as it grows" if known.is_negative else "grows with it"
            return f"single neuron: {layer}/{unit} {moves}"
        return f"single neuron: {layer}/{unit} is {'low' if known.is_negative else 'high'} there"
    if found.verdict == "distributed":
        return "distributed: a linear probe predicts it, no single neuron does"
    return "not encoded: no better than chance"


def _gain(gain: Found) -> Line:
    single, together = _single(gain), _probe(gain)
    parts = [(share(single, gain.metric), "azure"), (share(together, gain.metric), "probe")]
    return bar(
        gain.feature.replace("-", " "),
        parts,
        f"{single:.2f} → {together:.2f}",
        name_width=NAME,
        value_width=_GAIN,
        choice=Run("find", gain.feature),
    )


def _single(found: Found) -> float:
    return found.results[0][1].score if found.results else 0.0


def _probe(found: Found) -> float:
    """What all know is no less than what one knows, whatever the probe's fit missed."""
    return max(found.probe, _single(found))


def share(score: float, metric: str) -> float:
    """How far a score is from chance, 0..1."""
    return score if metric == "ρ" else 2 * score - 1


def subject(found: Found) -> str:
    """What was asked for, and how it is measured."""
    return f"{found.feature.replace('-', ' ')}, {'Spearman ρ' if found.metric == 'ρ' else 'AUC'}"


def known_by(found: Found) -> Mapping[tuple[int, int], Known]:
    """What the table says of every neuron that was ranked."""
    return dict(found.results)

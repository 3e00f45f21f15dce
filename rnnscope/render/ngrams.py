"""Losses of the network and of n-gram models as bars, and the characters at which they differ most.

network     ▆▆▆▆▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 0.598
7-gram best ▆▆▆▆▆▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 0.694      azure is the network, gray the n-gram
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnscope.analysis.ngrams import Difference, NgramsResult
from rnnscope.render.report import BLANK, Line, Place, Report, bar, excerpt, words
from rnnscope.render.split import split_lines

RANGE_NATS = 3.0
"""The difference that has the strongest color; a larger one looks the same."""
_NAME = 12
_VALUE = 5


def report(result: NgramsResult) -> Report:
    """One bar per order, then excerpts."""
    ahead = result.ahead_nats
    verdict = f"{abs(ahead):.3f} nats {'ahead of' if ahead >= 0 else 'behind'} the {result.order}-gram"
    orders = f"{min(result.by_order)} to {max(result.by_order)}"
    most = max(*result.by_order.values(), result.network_nats)

    def line(name: str, nats: float, ink: str, *, bold: bool) -> Line:
        token, value = "strong" if bold else "text", f"{nats:.3f}"
        parts = [(nats / most, ink)]
        return bar(name, parts, value, name_width=_NAME, value_width=_VALUE, token=token, bold=bold)

    lines = [
        words(f"the network is {verdict}, the best of orders {orders}", "strong", verdict),
        line("network", result.network_nats, "azure", bold=True),
    ]
    for order, nats in sorted(result.by_order.items(), reverse=True):
        is_best = order == result.order
        lines.append(line(f"{order}-gram{' best' if is_best else ''}", nats, "mute", bold=is_best))
    lines += [
        *split_lines(result.split),
        *_listed("network", result.ahead),
        *_listed(f"{result.order}-gram", result.behind),
    ]
    return Report("loss, nats per character", f"{result.split.characters:,} characters", tuple(lines))


def _listed(name: str, found: Sequence[Difference]) -> list[Line]:
    if not found:
        return []
    title = words(
        f"where the {name} is most ahead: position, nats",
        "dim",
        f"{name} most ahead: position, nats",
        f"{name} most ahead",
    )
    return [BLANK, title, *map(_excerpt, found)]


def _excerpt(found: Difference) -> Line:
    text = found.before + found.character + found.after
    nats = f"{found.nats:+.1f}".replace("-", "−")
    value = f"{found.position:>9,} {nats:>5}"
    place = Place(found.position)
    return excerpt(text, found.around / RANGE_NATS, len(found.before), value, gate=False, choice=place)

"""Two models compared: losses as bars, characters at which they differ most, samples, units, options."""

from __future__ import annotations

from collections.abc import Sequence

from rnnscope.analysis.compare import ComparedCharacter, CompareResult
from rnnscope.render.report import BLANK, Line, Place, Report, Unit, bar, excerpt, table, words
from rnnscope.text.display import glyphs

RANGE_NATS = 3.0
"""The difference that has the strongest color; a larger one looks the same."""
_NAME = 20
_VALUE = 6


def report(result: CompareResult) -> Report:
    """Losses, characters, units, options and samples."""
    own, other = _distinct(result)
    ahead = result.ahead_nats
    verdict = f"{own} is {abs(ahead):.3f} ± {result.standard_error:.3f} nats {_side(ahead)} {other}"
    most = max(*result.losses_nats, 1e-9)
    lines = [
        words(
            verdict,
            "strong",
            f"{own} is {abs(ahead):.3f} nats {_side(ahead)} {other}",
            f"{abs(ahead):.3f} ± {result.standard_error:.3f} nats {_side(ahead)} {other}",
            f"{abs(ahead):.3f} nats {_side(ahead)} {other}",
            f"{abs(ahead):.3f} nats {_side(ahead).partition(' ')[0]}",
        ),
        *(
            bar(
                name,
                [(nats / most, ink)],
                f"{nats:.3f}",
                name_width=_NAME,
                value_width=_VALUE,
                token="strong" if bold else "text",
                bold=bold,
            )
            for name, nats, ink, bold in (
                (own, result.losses_nats[0], "azure", True),
                (other, result.losses_nats[1], "mute", False),
            )
        ),
        words(
            f"{result.own_better:.1%} of the characters are more probable under {own}",
            "dim",
            f"{result.own_better:.1%} of them more probable under {own}",
            f"{result.own_better:.1%} more probable under {own}",
            f"more probable at {result.own_better:.1%}",
        ),
    ]
    if result.unknown_share:
        lines.append(words(f"{result.unknown_share:.1%} of the characters are in one vocabulary only", "dim"))
    lines += [*_listed(own, result.ahead), *_listed(other, result.behind)]
    if result.matches:
        title = f"units of {own} and the units of {other} that correlate most"
        rows = [
            (
                f"{each.layer}/{each.unit}",
                f"{each.other_layer}/{each.other_unit}",
                f"{each.correlation:+.2f}".replace("-", "−"),
            )
            for each in result.matches
        ]
        choices = [Unit(each.layer, each.unit) for each in result.matches]
        lines += [
            BLANK,
            words(title, "dim", "units that correlate most"),
            words(f"mean |r| of all units: {result.mean_correlation:.2f}", "dim"),
            *table(("own", "other", "r"), rows, choices),
        ]
    if result.options:
        rows = [
            (each.name.replace("_", " "), _shown(each.own), _shown(each.other)) for each in result.options
        ]
        lines += [BLANK, words("training options that differ", "dim"), *table(("", own, other), rows)]
    for name, sample in zip((own, other), result.samples, strict=True):
        if sample:
            lines += [BLANK, words(f"sample of {name}", "dim"), *_wrapped(sample)]
    return Report("two models", f"{result.characters:,} characters", tuple(lines))


def _side(ahead: float) -> str:
    return "ahead of" if ahead >= 0 else "behind"


def _distinct(result: CompareResult) -> tuple[str, str]:
    """The names of the models; with their titles if the names are equal."""
    own, other = result.names
    if own != other:
        return own, other
    return f"{own}, {result.titles[0]}", f"the other {other}, {result.titles[1]}"


def _listed(name: str, found: Sequence[ComparedCharacter]) -> list[Line]:
    if not found:
        return []
    title = words(
        f"where {name} is most ahead: position, nats",
        "dim",
        f"{name} most ahead: position, nats",
        f"{name} most ahead",
    )
    return [BLANK, title, *map(_excerpt, found)]


def _excerpt(found: ComparedCharacter) -> Line:
    text = found.before + found.character + found.after
    nats = f"{found.nats:+.1f}".replace("-", "−")
    value = f"{found.position:>9,} {nats:>5}"
    place = Place(found.position)
    return excerpt(text, found.around / RANGE_NATS, len(found.before), value, gate=False, choice=place)


def _shown(value: object) -> str:
    return "—" if value is None else str(value)


def _wrapped(sample: str) -> list[Line]:
    """A sample in its own lines."""
    return [words("".join(glyphs(line)), "text") for line in sample.splitlines()]

"""The find panel while a network learns: what was found now, and how it came to be.

best 1/97        ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆  0.97        below it the best of every search,
since 4,200      ▁▁▂▂▃▅▅▆▆▇▇        +0.35        gray while chance does as well
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from rnnscope.app.course import Course, Score
from rnnscope.app.ranking import Neuron
from rnnscope.render import finding
from rnnscope.render.report import BLANK, Ink, Line, Report, Run, Unit, words
from rnnscope.theme.palette import Palette

_BLOCKS = "▁▂▃▄▅▆▇"


def following(course: Course, chosen: Neuron | None, features: Sequence[str]) -> Report:
    """The last answer, the scores that led to it, and how the chosen neuron does where it is not the best."""
    found = course.found
    best, *others = finding.result(found)
    lines = [best, _scores(course.scores, found.metric), *others]
    if chosen is not None and found.results and chosen != found.results[0][0]:
        lines.insert(2, _chosen(course, chosen))
    if chosen is not None:
        contexts = f"top contexts of {chosen[0]}/{chosen[1]}"
        lines.append(words(contexts, "text", choice=Run("contexts")))
    lines += [BLANK, words("/ finds another, or choose one:", "dim"), *offered(features)]
    return Report(finding.subject(found), f"step {course.trace.step:,}", tuple(lines))


def waiting(asked: str) -> Report:
    """While the first answer is worked at."""
    return Report(asked, "", (words("finding…", "dim"),))


def refused(message: str, features: Sequence[str]) -> Report:
    """Why there is no answer, and what else can be asked."""
    parts = [words(part) for part in message.split(": ")]
    return Report("no answer", "", (*parts, BLANK, words("choose another:", "dim"), *offered(features)))


def nothing(features: Sequence[str]) -> Report:
    """Before anything was asked."""
    return Report(
        "which neuron knows it", "", (words("type what to find, or choose one:", "dim"), *offered(features))
    )


def offered(features: Sequence[str]) -> list[Line]:
    """The features that can be looked for."""
    return [words(name.replace("-", " "), "text", choice=Run("find", name)) for name in features]


def _chosen(course: Course, chosen: Neuron) -> Line:
    """How the neuron that is looked at does beside the best."""
    known, name = course.known(chosen), f"chosen {chosen[0]}/{chosen[1]}"
    if known is None:
        return words(f"{name:<{finding.NAME}} is far below the best", "dim")
    return finding.scored(name, known.score, course.found.metric, "azure", choice=Unit(*chosen))


def _scores(scores: Sequence[Score], metric: str) -> Line:
    """The best score of every search, those that chance reaches too in gray."""
    first, last = scores[0], scores[-1]

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        name = f"since {first.step:,}"
        room = max(1, width - finding.NAME - finding.VALUE - 2)
        shown = (
            scores
            if len(scores) <= room
            else [scores[(i + 1) * len(scores) // room - 1] for i in range(room)]
        )
        row = [Segment(f"{name:<{finding.NAME}.{finding.NAME}} ", ink("mute"))]
        for score in shown:
            height = max(0.0, min(1.0, finding.share(score.single, metric)))
            block = _BLOCKS[min(len(_BLOCKS) - 1, int(height * len(_BLOCKS)))]
            row.append(Segment(block, ink("azure" if score.single > score.null else "mute")))
        gain = f"{last.single - first.single:+.2f}".replace("-", "−") if len(scores) > 1 else ""
        return [
            *row,
            Segment(" " * (room - len(shown) + 1), ink("text")),
            Segment(f"{gain:>{finding.VALUE}}", ink("dim")),
        ]

    return Line(draw)

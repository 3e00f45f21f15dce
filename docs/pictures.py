"""Make the README's pictures: the application trains headless, and its screens are saved as SVG.

python docs/pictures.py                     train for 90 seconds on data/input.txt, then write all pictures
python docs/pictures.py --seconds 300       the same after a longer training
python docs/pictures.py --seconds 0         the inspect screen and the course alone
python docs/pictures.py --learn             the course alone
python docs/pictures.py --film --seconds 30 the animated picture alone
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.learn.chapter import Chapter
from rnnscope.app.learn.race import RaceChapter
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.learn import LearnScreen
from rnnscope.app.screens.train import TrainScreen
from rnnscope.app.screenshot import screenshot
from rnnscope.theme.palette import Theme
from rnnscope.training.controls import Controls
from rnnscope.training.options import TrainOptions

if TYPE_CHECKING:
    import pexpect

    from rnnscope.progress import Progress
    from rnnscope.session import Session

ROOT = Path(__file__).resolve().parent.parent

PICTURES: tuple[tuple[str, tuple[int, int], Theme, tuple[str, ...]], ...] = (
    ("train-120x40", (120, 40), "dark", ()),
    ("train-120x40-light", (120, 40), "light", ()),
    ("train-80x24", (80, 24), "dark", ()),
    ("train-200x60", (200, 60), "dark", ()),
    ("top-five-120x40", (120, 40), "dark", ("U", "z")),
)
"""Name, columns and rows, theme, and the keys to press before the picture (undone by Escape)."""

CHAPTERS: dict[str, tuple[int, tuple[str, ...]]] = {
    "hello": (6, ("s",) * 8),
    "unroll": (4, ("down",) * 5),
    "vanish": (4, ("left", "left", *["up"] * 5)),
    "gates": (4, ()),
    "race": (4, ("space",)),
    "neurons": (1, ("enter",)),
    "shapes": (2, ()),
}
"""For each chapter of the course the step to show, from 1, and the keys to press before the picture."""


SCENES: tuple[tuple[tuple[str, ...], tuple[tuple[float | None, str], ...]], ...] = (
    (
        ("train", "{text}", "--run", "{run}"),
        ((None, "\x1b[B"), (1.5, "\x1b[B"), (1.5, "\x1b[B"), (2.0, "q")),
    ),
    (
        ("inspect", "archive-lstm", "--find", "quotes", "--fresh"),
        ((8.0, "\x1b[C"), *((0.6, "\x1b[C"),) * 6, (1.5, "x"), (0.8, "\r"), (5.0, "r"), (5.0, "q")),
    ),
)
"""Commands of the animated picture, and the keys to send, each after so many seconds; None is the time of
training."""


async def photograph(text: Path, seconds: float, to: Path, keys: tuple[str, ...]) -> None:
    """Train on `text` for `seconds`, press `keys`, and write every picture into the directory `to`."""
    with tempfile.TemporaryDirectory() as directory:
        options = TrainOptions(text=str(text), run=str(Path(directory) / "run"))

        def start(controls: Controls, post: object) -> None:
            from rnnscope.training.launch import train

            train(options, controls, post)  # type: ignore[arg-type]

        screen = TrainScreen(start, corpus=str(text))
        app = RnnscopeApp(screen, theme="dark", depth="truecolor")
        async with app.run_test(size=(120, 40)) as pilot:
            await asyncio.sleep(seconds)
            for key in keys:
                await pilot.press(key)
            await asyncio.sleep(2.0)
            for name, size, theme, steps in PICTURES:
                await _take(app, pilot, to / f"{name}.svg", size, theme, steps)
            await pilot.press("q")
            await asyncio.to_thread(screen.wait)


async def look_inside(model: str, sought: str, seconds: float, to: Path) -> None:
    """Open `model` on its text, find the feature `sought`, and write pictures into the directory `to`."""

    def open_session(progress: Progress) -> Session:
        from rnnscope.session import Session

        return Session.open(model)

    app = RnnscopeApp(InspectScreen(open_session, name=model), theme="dark", depth="truecolor")
    async with app.run_test(size=(120, 40)) as pilot:
        await asyncio.sleep(seconds)
        await pilot.press("slash", *sought, "enter")
        await asyncio.sleep(seconds)
        for size in ((80, 24), (200, 60), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.press("N")  # so that the match is in the middle of the page
            await _take(app, pilot, to / f"inspect-{size[0]}x{size[1]}.svg", size, "dark", ())
        await pilot.press("q")


async def teach(to: Path) -> None:
    """Open every chapter of the course, and write its picture into the directory `to`."""
    to.mkdir(parents=True, exist_ok=True)
    for number, (name, (step, keys)) in enumerate(CHAPTERS.items(), 1):
        screen = LearnScreen(number, step=step - 1)
        app = RnnscopeApp(screen, theme="dark", depth="truecolor")
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press(*keys)
            await asyncio.sleep(0.5)
            while not _is_ready(screen.course.chapter):
                await asyncio.sleep(0.1)
            await _take(app, pilot, to / f"{name}.svg", (80, 24), "dark", ())


def film(to: Path, text: Path, seconds: float) -> None:
    """Record training and looking inside in a terminal of 100×30, and write the animated picture."""
    import cast  # docs/cast.py, next to this file
    import pexpect

    with tempfile.TemporaryDirectory() as directory:
        recordings = []
        for number, (arguments, keys) in enumerate(SCENES):
            recordings.append(Path(directory) / f"{number}.cast")
            words = [word.format(text=text, run=Path(directory) / "run") for word in arguments]
            child = pexpect.spawn(
                sys.executable,
                ["-m", "rnnscope", *words, "--record", str(recordings[-1])],
                dimensions=(30, 100),
                env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
                timeout=None,
            )
            for wait, key in keys:
                _drain(child, seconds if wait is None else wait)
                child.send(key)
            child.expect(pexpect.EOF)
        cast.convert(recordings, to / "rnnscope.gif", every=0.5, longest=1.5)


def _drain(child: pexpect.spawn[bytes], seconds: float) -> None:
    """Read what the terminal draws for some seconds."""
    import pexpect

    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        with suppress(pexpect.TIMEOUT):
            child.read_nonblocking(1 << 16, timeout=left)


def _is_ready(chapter: Chapter[object]) -> bool:
    """Whether the figure is complete: the race has gone on for a while, a model is loaded and read."""
    return chapter.state.step >= 300 if isinstance(chapter, RaceChapter) else not chapter.activity


async def _take(
    app: RnnscopeApp,
    pilot: Pilot[int | None],
    file: Path,
    size: tuple[int, int],
    theme: Theme,
    steps: tuple[str, ...],
) -> None:
    while app.palette.theme != theme:
        app.action_next_theme()
    await pilot.resize_terminal(*size)
    for key in steps:
        await pilot.press(key)
    await asyncio.sleep(1.5)
    file.write_text(screenshot(app), encoding="utf-8")
    print(file)
    for key in reversed(steps):
        await pilot.press("escape" if key == "z" else key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("text", nargs="?", type=Path, default=Path("data/input.txt"))
    parser.add_argument("--seconds", type=float, default=90.0, help="training time before the pictures")
    parser.add_argument("--to", type=Path, default=Path("docs"), help="the directory of the pictures")
    parser.add_argument(
        "--keys", nargs="*", default=["right"] * 3, help="keys to press before the first picture"
    )
    os.chdir(ROOT)
    parser.add_argument("--film", action="store_true", help="the animated picture alone")
    parser.add_argument("--learn", action="store_true", help="the pictures of the course alone")
    chosen = parser.parse_args()
    if chosen.film:
        film(chosen.to, chosen.text, chosen.seconds)
        return
    asyncio.run(teach(chosen.to / "learn"))
    if chosen.learn:
        return
    asyncio.run(look_inside("archive-lstm", "quotes", 20.0, chosen.to))
    if chosen.seconds:
        asyncio.run(photograph(chosen.text, chosen.seconds, chosen.to, tuple(chosen.keys)))
        film(chosen.to, chosen.text, min(30.0, chosen.seconds))


if __name__ == "__main__":
    main()
